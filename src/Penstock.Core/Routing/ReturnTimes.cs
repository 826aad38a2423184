using System.Numerics;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// After how long a pause conversations go on, learned from the prompts themselves: the end of each prompt is
/// remembered, and found again in the next one that goes on from it, whether or not any cache still holds it.
/// </summary>
/// <remarks>
/// Kept as a hazard over ages in steps of an eighth of an octave: tokens that came back at an age, over tokens that
/// were out there at that age, those that have not come back so far included. Bounded; nothing is allocated after the
/// constructor.
/// </remarks>
internal sealed class ReturnTimes
{
    private const int Buckets = 4_096;
    private const int Ways = 4;
    private const int StepsPerOctave = 8;

    /// <summary>Ages from 1/8 s on, over 17 octaves: four and a half hours.</summary>
    private const int Steps = 17 * StepsPerOctave;

    private const int FirstExponent = 27;

    /// <summary>What is taken for granted, and the tokens that it weighs as much as: of what is out there, that share
    /// comes back while its age grows by a factor of e.</summary>
    private const double AtFirst = 0.1;
    private const double FirstTokens = 200_000;

    /// <summary>Prompts after which the chances are worked out anew.</summary>
    private const int SumEvery = 32;

    /// <summary>Tokens come back after which the past counts half.</summary>
    private const double Memory = 400_000_000;

    /// <summary>Entries whose time out there is brought up to date with every prompt.</summary>
    private const int SweepEntries = 8;

    private readonly Entry[] _entries = new Entry[Buckets * Ways];
    private readonly double[] _returned = new double[Steps];
    private readonly double[] _out = new double[Steps];
    private readonly double[] _chance = new double[Steps];
    private double _all;
    private int _swept;
    private int _seen;

    public ReturnTimes() => Sum();

    /// <summary>A prompt of so many tokens was sent, by this node or another. True where it goes on from one that was
    /// seen before; not where it is the same again.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="blockLength">Units in a block of it.</param>
    /// <param name="tokens">Its tokens; 0 where its client says that nothing will go on from it.</param>
    /// <param name="now">The present.</param>
    public bool See(in PromptPrefix prompt, int blockLength, long tokens, Instant now)
    {
        var blocks = prompt.Blocks;
        var goesOn = GoesOn(in prompt, blockLength, now);
        for (var i = 0; i < SweepEntries; i++)
        {
            Account(ref _entries[_swept], now);
            _swept = (_swept + 1) % _entries.Length;
        }

        if (++_seen % SumEvery == 0)
        {
            Sum();
        }

        if (!blocks.IsEmpty && tokens > 0)
        {
            Remember(blocks[^1], tokens, now);
        }

        return goesOn;
    }

    /// <summary>Of what is out there at an age, the share that comes back later, 0 to 1.</summary>
    public double Chance(TimeSpan age) => _chance[StepOf(age.Ticks * 100)];

    public void Save(StateWriter to)
    {
        to.Write(_all);
        to.Write(_swept);
        to.Write(_seen);
        to.WriteAll<Entry>(_entries);
        to.WriteAll<double>(_returned);
        to.WriteAll<double>(_out);
        to.WriteAll<double>(_chance);
    }

    public void Load(ref StateReader from)
    {
        _all = from.Read<double>();
        _swept = from.Read<int>();
        _seen = from.Read<int>();
        from.ReadAll<Entry>(_entries);
        from.ReadAll<double>(_returned);
        from.ReadAll<double>(_out);
        from.ReadAll<double>(_chance);
    }

    private bool GoesOn(in PromptPrefix prompt, int blockLength, Instant now)
    {
        var blocks = prompt.Blocks;
        if (prompt.Marks.IsEmpty)
        {
            for (var i = blocks.Length - 1; i >= 0; i--)
            {
                if (Return(blocks[i], now))
                {
                    return i < blocks.Length - 1;
                }
            }

            return false;
        }

        for (var i = prompt.Marks.Length - 1; i >= 0; i--)
        {
            var last = (int)Math.Min(blocks.Length, prompt.Marks[i].End / blockLength) - 1;
            if (last >= 0 && Return(blocks[last], now))
            {
                return last < blocks.Length - 1;
            }
        }

        return false;
    }

    private bool Return(ulong key, Instant now)
    {
        foreach (ref var entry in Bucket(key))
        {
            if (entry.Key == key)
            {
                Account(ref entry, now);
                _returned[StepOf(now.Nanoseconds - entry.At)] += entry.Tokens;
                _all += entry.Tokens;
                entry = default;
                Forget();
                return true;
            }
        }

        return false;
    }

    private void Remember(ulong key, long tokens, Instant now)
    {
        var bucket = Bucket(key);
        var at = 0;
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i].Key == 0 || bucket[i].Key == key)
            {
                at = i;
                break;
            }

            at = bucket[i].At < bucket[at].At ? i : at;
        }

        Account(ref bucket[at], now);
        bucket[at] = new Entry { Key = key, Tokens = tokens, At = now.Nanoseconds, Accounted = now.Nanoseconds };
    }

    /// <summary>Adds the time that an entry was out there since it was last looked at, step by step, in units of the
    /// step's own age.</summary>
    private void Account(ref Entry entry, Instant now)
    {
        if (entry.Key == 0 || now.Nanoseconds <= entry.Accounted)
        {
            return;
        }

        var from = entry.Accounted - entry.At;
        var to = now.Nanoseconds - entry.At;
        var last = StepOf(to);
        for (var step = StepOf(from); step <= last; step++)
        {
            var start = Math.Max(from, StartOf(step));
            var end = step == last ? to : Math.Min(to, StartOf(step + 1));
            _out[step] += entry.Tokens * (double)(end - start) / Math.Max(StartOf(step), 1);
        }

        entry.Accounted = now.Nanoseconds;
    }

    private void Forget()
    {
        if (_all < Memory)
        {
            return;
        }

        _all /= 2;
        for (var i = 0; i < Steps; i++)
        {
            _returned[i] /= 2;
            _out[i] /= 2;
        }
    }

    /// <summary>From the oldest age down: what does not come back in a step is left for the next.</summary>
    private void Sum()
    {
        var hazard = 0.0;
        for (var step = Steps - 1; step >= 0; step--)
        {
            var growth = step == 0 ? 0 : Math.Log(StartOf(step + 1) / (double)StartOf(step));
            hazard += growth * (_returned[step] + (AtFirst * FirstTokens)) / (_out[step] + FirstTokens);
            _chance[step] = 1 - Math.Exp(-hazard);
        }
    }

    private Span<Entry> Bucket(ulong key) => _entries.AsSpan((int)(key % Buckets) * Ways, Ways);

    /// <summary>Octaves by the leading bit, and steps of an eighth by the three bits after it.</summary>
    private static int StepOf(long nanoseconds)
    {
        if (nanoseconds < 1L << FirstExponent)
        {
            return 0;
        }

        var exponent = BitOperations.Log2((ulong)nanoseconds);
        var eighth = (int)(nanoseconds >> (exponent - 3)) & (StepsPerOctave - 1);
        return Math.Min(Steps - 1, ((exponent - FirstExponent) * StepsPerOctave) + eighth);
    }

    private static long StartOf(int step) =>
        step == 0 ? 0 : (8L + (step % StepsPerOctave)) << (FirstExponent - 3 + (step / StepsPerOctave));

    private struct Entry
    {
        public ulong Key;
        public long Tokens;
        public long At;
        public long Accounted;
    }
}
