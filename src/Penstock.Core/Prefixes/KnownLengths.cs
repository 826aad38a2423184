using System.Runtime.CompilerServices;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What engines reported about the lengths of prompts, by the hash of where they end: a bounded table in which what was
/// not asked for longest makes room. The same for all replicas of a pool, which share a model.
/// </summary>
internal sealed class KnownLengths
{
    /// <summary>Bytes of memory, all told.</summary>
    public const int Bytes = Buckets * Ways * 32;

    private const int Buckets = 8_192;
    private const int Ways = 4;

    /// <summary>Tokens by which a reported hit may exceed what was expected and still be one of the same prefix.
    /// </summary>
    private const int Near = 128;

    private readonly KnownLength[] _entries = new KnownLength[Buckets * Ways];
    private uint _clock;

    /// <summary>What is known of a place; a null reference where nothing is.</summary>
    public ref KnownLength Find(ulong hash)
    {
        var bucket = Bucket(hash);
        for (var i = 0; i < Ways; i++)
        {
            if (bucket[i].Hash == hash)
            {
                bucket[i].Used = _clock;
                return ref bucket[i];
            }
        }

        return ref Unsafe.NullRef<KnownLength>();
    }

    /// <summary>A prompt that ends here had that many tokens, and was answered with so many.</summary>
    public void LearnEnd(ulong hash, long tokens, long output)
    {
        ref var entry = ref Take(hash);
        entry.Tokens = (int)Math.Min(tokens, int.MaxValue / 2);
        entry.Output = (int)Math.Min(output, int.MaxValue / 2);
    }

    /// <summary>
    /// Of a prompt that parts here from what a replica holds, so many tokens were found in its cache. More than
    /// expected is believed where it is near; less is evidence of eviction first, and believed once it was said twice.
    /// </summary>
    public void LearnCommon(ulong hash, long expected, long reported)
    {
        if (reported <= 0 || reported > int.MaxValue / 2)
        {
            return;
        }

        ref var entry = ref Take(hash);
        var seen = (int)reported;
        if (seen == entry.Candidate || (seen >= expected && seen - expected <= Near))
        {
            entry.Common = seen;
        }

        entry.Candidate = seen;
    }

    public void Save(StateWriter to)
    {
        to.Write(_clock);
        to.WriteAll<KnownLength>(_entries);
    }

    public void Load(ref StateReader from)
    {
        _clock = from.Read<uint>();
        from.ReadAll<KnownLength>(_entries);
    }

    private ref KnownLength Take(ulong hash)
    {
        _clock++;
        ref var found = ref Find(hash);
        if (!Unsafe.IsNullRef(ref found))
        {
            return ref found;
        }

        var bucket = Bucket(hash);
        var oldest = 0;
        for (var i = 1; i < Ways; i++)
        {
            oldest = _clock - bucket[i].Used > _clock - bucket[oldest].Used ? i : oldest;
        }

        bucket[oldest] = new KnownLength { Hash = hash, Used = _clock };
        return ref bucket[oldest];
    }

    private Span<KnownLength> Bucket(ulong hash) =>
        _entries.AsSpan((int)((hash ^ (hash >> 32)) % Buckets) * Ways, Ways);
}

/// <summary>What is known of a prompt up to one place; 0 stands for what is not.</summary>
internal struct KnownLength
{
    public ulong Hash;

    /// <summary>Tokens of a prompt that ends here.</summary>
    public int Tokens;

    /// <summary>Tokens of the answer that it got last.</summary>
    public int Output;

    /// <summary>Tokens that engines find in their cache where prompts part here.</summary>
    public int Common;

    /// <summary>What was reported last.</summary>
    public int Candidate;

    public uint Used;
}
