using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// Bytes of canonical prompt a token, by whose prompt it is: what one key sends says little of what another will. For
/// keys of which nothing is known there is one ratio, which no single key moves far.
/// </summary>
/// <remarks>A table of fixed size, in which the key that came last has the place.</remarks>
internal sealed class KeyRatios
{
    /// <summary>Bytes of memory, all told.</summary>
    public const int Bytes = Places * 24;

    private const int Places = 256;

    /// <summary>What the newest prompt counts, once a key sent some.</summary>
    private const double Newest = 0.05;

    private const double RatioMin = 0.5;
    private const double RatioMax = 16;

    /// <summary>The same of one key, whose text is all that it holds for.</summary>
    private const double KeyRatioMax = 64;

    /// <summary>Prompts of the keys of one place that move the ratio of others, and how far each does: a key that wants
    /// to harm moves it by 8 %, and a pool of ordinary ones finds its own.</summary>
    private const int TaughtMax = 8;
    private const double StepMax = 0.01;

    private readonly Entry[] _entries = new Entry[Places];

    /// <summary>That of nobody's prompts, and of keys of which nothing is known.</summary>
    public double Usual { get; private set; } = 4;

    public double Of(ulong key)
    {
        ref readonly var entry = ref _entries[key % Places];
        return key != 0 && entry.Key == key ? entry.Ratio : Usual;
    }

    /// <summary>A prompt of a key (0: of nobody's) had so many bytes a token.</summary>
    public void Learn(ulong key, double ratio)
    {
        if (key == 0)
        {
            Usual += Newest * (Math.Clamp(ratio, RatioMin, RatioMax) - Usual);
            return;
        }

        ref var entry = ref _entries[key % Places];
        if (entry.Key != key)
        {
            (entry.Key, entry.Ratio, entry.Seen) = (key, Usual, 0);
        }

        // At first the mean, of which what was usual is one.
        ratio = Math.Clamp(ratio, RatioMin, KeyRatioMax);
        entry.Seen = (ushort)Math.Min(entry.Seen + 1, ushort.MaxValue);
        entry.Ratio += Math.Max(Newest, 1.0 / (entry.Seen + 1)) * (ratio - entry.Ratio);
        if (entry.Taught < TaughtMax)
        {
            entry.Taught++;
            var step = Math.Clamp(Newest * ((ratio / Usual) - 1), -StepMax, StepMax);
            Usual = Math.Clamp(Usual * (1 + step), RatioMin, RatioMax);
        }
    }

    public void Save(StateWriter to)
    {
        to.Write(Usual);
        to.WriteAll<Entry>(_entries);
    }

    public void Load(ref StateReader from)
    {
        Usual = from.Read<double>();
        from.ReadAll<Entry>(_entries);
    }

    private struct Entry
    {
        public ulong Key;
        public double Ratio;

        /// <summary>Prompts of the key, and those of the place that moved the ratio of others.</summary>
        public ushort Seen;
        public ushort Taught;
    }
}
