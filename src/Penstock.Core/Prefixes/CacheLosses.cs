namespace Penstock.Core.Prefixes;

/// <summary>
/// What a replica gives up when something new comes: the oldest goes from tier to tier, block by block or a whole run
/// at once, and at last is forgotten.
/// </summary>
internal sealed class CacheLosses(BlockHolders blocks, AgeRing ages)
{
    private const int None = BlockHolders.None;

    /// <summary>Loses the oldest until <paramref name="tokens"/> more fit; false where requests hold too
    /// much.</summary>
    public bool Fit(ref ReplicaCache cache, int replica, long tokens = 0)
    {
        while (cache.Device.Tokens + tokens > cache.Capacity)
        {
            if (cache.Device.Oldest == None)
            {
                return false;
            }

            LoseOldest(ref cache, replica, cache.Device.Tokens + tokens - cache.Capacity);
        }

        return true;
    }

    /// <summary>The same in every tier, after their sizes changed.</summary>
    public void FitAll(ref ReplicaCache cache, int replica)
    {
        Fit(ref cache, replica);
        for (var tier = CacheTier.Host; tier <= CacheTier.Disk; tier++)
        {
            ref var list = ref cache[tier];
            while (list.Tokens > list.Capacity)
            {
                Move(ref cache, replica, list.Oldest, tier + 1);
            }
        }
    }

    /// <summary>Makes room for one more entry, and as many tokens; false where requests hold too much.</summary>
    public bool MakeRoom(ref ReplicaCache cache, int replica, long tokens)
    {
        if (!Fit(ref cache, replica, tokens))
        {
            return false;
        }

        while (blocks.IsFull(replica))
        {
            var tier = cache.Lowest;
            if (tier == CacheTier.Shared)
            {
                return false;
            }

            Remove(ref cache, replica, cache[tier].Oldest);
        }

        return true;
    }

    /// <summary>Forgets a pair that no request holds.</summary>
    public void Remove(ref ReplicaCache cache, int replica, int at)
    {
        TierList.PassOn(blocks, at);
        TakeOut(ref cache, replica, at);
        blocks.Remove(at, replica);
    }

    /// <summary>A pair that no request holds lies in a tier now; or where that has no room, in one below, or nowhere.
    /// </summary>
    public void Move(ref ReplicaCache cache, int replica, int at, CacheTier tier)
    {
        TierList.PassOn(blocks, at);
        TakeOut(ref cache, replica, at);
        for (; tier <= CacheTier.Disk; tier++)
        {
            if (TryPut(ref cache, replica, at, tier))
            {
                return;
            }
        }

        blocks.Remove(at, replica);
    }

    /// <summary>Puts a pair that is in no list into a tier below the accelerator's memory; false where it has no room.
    /// </summary>
    public bool TryPut(ref ReplicaCache cache, int replica, int at, CacheTier tier)
    {
        ref var list = ref cache[tier];
        var tokens = blocks[at].Tokens;
        if (list.Capacity == 0 || list.Capacity < tokens)
        {
            return false;
        }

        while (list.Tokens + tokens > list.Capacity)
        {
            Move(ref cache, replica, list.Oldest, tier + 1);
        }

        blocks[at].Tier = tier;
        blocks[at].SetCopy(tier, has: false);
        list.Tokens += tokens;
        list.LinkNewest(blocks, at);
        return true;
    }

    /// <summary>Takes a pair that no request holds out of its list.</summary>
    public void TakeOut(ref ReplicaCache cache, int replica, int at)
    {
        ref var block = ref blocks[at];
        ref var list = ref cache[block.Tier];
        list.Unlink(blocks, at);
        list.Tokens -= block.Tokens;
        if (block.Tier == CacheTier.Device)
        {
            ages.Remove(replica, block.Stamp, block.Tokens);
            if (cache.PartialLost > 0 && cache.Partial == block.Hash)
            {
                cache.Partial = 0;
                cache.PartialLost = 0;
            }
        }
    }

    private void LoseOldest(ref ReplicaCache cache, int replica, long tokens)
    {
        var at = cache.Device.Oldest;
        ref var block = ref blocks[at];
        if (cache.LosesRuns)
        {
            while (at != None)
            {
                var isLast = blocks[at].BeginsRun;
                Move(ref cache, replica, at, CacheTier.Host);
                at = isLast ? None : cache.Device.Oldest;
            }
        }
        else if (block.Tokens > tokens && cache.LowerCapacity == 0)
        {
            cache.Partial = block.Hash;
            cache.PartialLost += (int)tokens;
            ages.Remove(replica, block.Stamp, (int)tokens);
            block.Tokens -= (ushort)tokens;
            cache.Device.Tokens -= tokens;
        }
        else
        {
            Move(ref cache, replica, at, CacheTier.Host);
        }
    }
}
