using System.Runtime.CompilerServices;

namespace Penstock.Core.KvSync;

/// <summary>One block: 24 bytes.</summary>
internal struct BlockEntry
{
    /// <summary>The engine's name of the block.</summary>
    public ulong Name;

    /// <summary>The router's.</summary>
    public ulong Key;

    public ushort Tokens;
    public BlockFlags Flags;

    private TierCounts _counts;

    public readonly bool IsUsed => (Flags & BlockFlags.Used) != 0;

    public readonly bool IsKeyed => (Flags & BlockFlags.Keyed) != 0;

    /// <summary>True while any tier holds the block.</summary>
    public readonly bool IsResident => (_counts[0] | _counts[1] | _counts[2] | _counts[3]) != 0;

    public readonly bool IsIn(int tier) => _counts[tier] != 0;

    /// <summary>The first tokens told for a name stay: an engine that names other tokens the same is broken or
    /// hostile.</summary>
    /// <returns>False: it has another key.</returns>
    public bool TryKey(ulong key)
    {
        if (!IsKeyed)
        {
            Key = key;
            Flags |= BlockFlags.Keyed;
        }

        return Key == key;
    }

    /// <returns>True: it was not there.</returns>
    public bool Add(int tier)
    {
        // An engine may hold a block twice; nobody holds it 255 times, so a count that stays is harmless.
        var before = _counts[tier];
        _counts[tier] = (byte)Math.Min(before + 1, byte.MaxValue);
        return before == 0;
    }

    /// <returns>True: that was the last.</returns>
    public bool Remove(int tier)
    {
        if (_counts[tier] == 0)
        {
            return false;
        }

        return --_counts[tier] == 0;
    }

    /// <summary>No tier holds it.</summary>
    public void Drop() => _counts = default;

    [InlineArray(KvBlockMap.Tiers)]
    private struct TierCounts
    {
        private byte _first;
    }
}

[Flags]
internal enum BlockFlags : byte
{
    Free = 0,
    Used = 1,

    /// <summary>The key is known.</summary>
    Keyed = 2,
}
