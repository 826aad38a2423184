namespace Penstock.Core.KvSync;

/// <summary>
/// How many data-parallel ranks behind one address hold each of the router's keys, tier by tier: to the pool they are
/// one replica, which holds a block while any of them does. Takes what ranks hold and hands on what is new, or gone,
/// for all of them together. As large as the map beside it may be, at most.
/// </summary>
internal sealed class RankUnion(int blocksMax, ulong secret)
{
    private readonly BlockTable _keys = new(blocksMax, secret, blocksExpected: 0);

    /// <summary>Keys that were not taken because the table was full: each is told as if one rank alone had it.
    /// </summary>
    public long Full { get; private set; }

    /// <summary>A rank holds them now. Leaves those of <paramref name="keys"/> that no rank held before at its front.
    /// </summary>
    /// <returns>How many these are.</returns>
    public int Add(KvTier tier, Span<ulong> keys)
    {
        var fresh = 0;
        foreach (var key in keys)
        {
            var slot = _keys.Find(key);
            slot = slot >= 0 ? slot : _keys.Add(key, reclaim: true);
            Full += slot < 0 ? 1 : 0;
            if (slot < 0 || _keys.Slots[slot].Add((int)tier))
            {
                keys[fresh++] = key;
            }
        }

        return fresh;
    }

    /// <summary>A rank holds them no more. Leaves those that no other rank holds at the front.</summary>
    /// <returns>How many these are.</returns>
    public int Remove(KvTier tier, Span<ulong> keys)
    {
        var gone = 0;
        foreach (var key in keys)
        {
            var slot = _keys.Find(key);
            if (slot < 0 || _keys.Slots[slot].Remove((int)tier) || !_keys.Slots[slot].IsIn((int)tier))
            {
                keys[gone++] = key;
            }
        }

        return gone;
    }
}

/// <summary>Only counts what ranks hold.</summary>
internal readonly struct UnionCounting(RankUnion union, ulong[] keys) : IKvKeySink
{
    public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> stored, int blockTokens)
    {
        stored.CopyTo(keys);
        union.Add(tier, keys.AsSpan(0, stored.Length));
    }

    public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> removed)
    {
    }

    public void Cleared(int rank)
    {
    }
}
