using System.Numerics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>A prefix that new conversations begin with.</summary>
/// <param name="Blocks">Its length, in blocks of the index.</param>
/// <param name="Rate">New conversations a second that begin with it, in the whole fleet; 0 where there are none.
/// </param>
internal readonly record struct HotPrefix(int Blocks, double Rate);

/// <summary>
/// How often new conversations begin with the same text, at lengths of 1, 2, 3, 4, 6, 8, 12, … blocks. What a
/// conversation finds of its own is not counted: only a prefix that others ask for gains by a second copy.
/// </summary>
/// <remarks>
/// Counts that fade with time, in a table of fixed size in which the least asked for makes room. A prompt takes at most
/// <see cref="NewMax"/> new entries there, the shortest first, so that prompts which nobody shares do not crowd out
/// what many do: a long prefix is known by all its lengths after as many prompts as there are pairs of them. Nothing
/// is allocated after the constructor.
/// </remarks>
internal sealed class PrefixHeat
{
    /// <summary>Seconds over which is counted, and for which what was counted is expected to go on.</summary>
    public const double Span = 30;

    private const int Buckets = 512;
    private const int Ways = 4;

    /// <summary>Fewer within <see cref="Span"/> are no habit, and a burst of as many that are alike can wait for the
    /// first of them.</summary>
    private const float CountMin = 8;

    private const int NewMax = 2;

    /// <summary>What is left of a count after so many seconds; nothing after the last.</summary>
    private static readonly float[] Kept = [.. Enumerable.Range(0, 256).Select(s => (float)Math.Exp(-s / Span))];

    private readonly Entry[] _entries = new Entry[Buckets * Ways];

    /// <summary>A conversation began with these blocks.</summary>
    public void See(ReadOnlySpan<ulong> blocks, Instant now)
    {
        var second = SecondOf(now);
        var added = 0;
        for (var length = 1; length <= blocks.Length && added < NewMax; length = After(length))
        {
            added += Count(blocks[length - 1], second) ? 0 : 1;
        }
    }

    /// <summary>The longest prefix of these blocks that new conversations often begin with.</summary>
    public HotPrefix Longest(ReadOnlySpan<ulong> blocks, Instant now)
    {
        var second = SecondOf(now);
        for (var length = AtMost(blocks.Length); length > 0; length = Before(length))
        {
            var count = CountOf(blocks[length - 1], second);
            if (count >= CountMin)
            {
                return new HotPrefix(length, count / Span);
            }
        }

        return default;
    }

    public void Save(StateWriter to) => to.WriteAll<Entry>(_entries);

    public void Load(ref StateReader from) => from.ReadAll<Entry>(_entries);

    private static int SecondOf(Instant now) => (int)(now.Nanoseconds / 1_000_000_000);

    private static int After(int length) =>
        BitOperations.IsPow2(length) ? length + Math.Max(1, length / 2) : length / 3 * 4;

    private static int Before(int length) =>
        BitOperations.IsPow2(length) ? (length / 2) + (length / 4) : length / 3 * 2;

    /// <summary>The longest of the lengths that is not longer.</summary>
    private static int AtMost(int length)
    {
        if (length < 2)
        {
            return length;
        }

        var power = 1 << BitOperations.Log2((uint)length);
        return length >= power / 2 * 3 ? power / 2 * 3 : power;
    }

    private static float CountAt(in Entry entry, int second)
    {
        var age = Math.Max(0, second - entry.Second);
        return age < Kept.Length ? entry.Count * Kept[age] : 0;
    }

    private float CountOf(ulong key, int second)
    {
        foreach (ref readonly var entry in Bucket(key))
        {
            if (entry.Key == key)
            {
                return CountAt(in entry, second);
            }
        }

        return 0;
    }

    /// <summary>Counts one more; false where it is the first.</summary>
    private bool Count(ulong key, int second)
    {
        var bucket = Bucket(key);
        var at = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i].Key == key)
            {
                bucket[i].Count = CountAt(in bucket[i], second) + 1;
                bucket[i].Second = second;
                return true;
            }

            at = CountAt(in bucket[i], second) < CountAt(in bucket[at], second) ? i : at;
        }

        bucket[at] = new Entry { Key = key, Count = 1, Second = second };
        return false;
    }

    private Span<Entry> Bucket(ulong key) => _entries.AsSpan((int)(key % Buckets) * Ways, Ways);

    private struct Entry
    {
        public ulong Key;
        public float Count;
        public int Second;
    }
}
