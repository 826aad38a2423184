using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What each replica holds, in the order of its last use, counted in tokens against what its cache holds: a list for
/// every tier. What requests in flight hold is in no list and cannot be lost, as in an engine.
/// </summary>
internal sealed class CacheLists(BlockHolders blocks, AgeRing ages, PrefixKeying keying, int replicas)
{
    private const int None = BlockHolders.None;

    private readonly ReplicaCache[] _replicas = new ReplicaCache[replicas];
    private Instant _now;

    public ref ReplicaCache this[int replica] => ref _replicas[replica];

    public ReadOnlySpan<ReplicaCache> All => _replicas;

    /// <summary>Whose entries are how many.</summary>
    public EntryShares Shares { get; } = new(blocks, keying, replicas);

    public void MoveTo(Instant now) => _now = now;

    /// <summary>The same by what others say, which may be late.</summary>
    public void MoveOn(Instant now) => _now = now > _now ? now : _now;

    /// <summary>Forgets the oldest of a tier until no more than so many tokens are left, or all is held.</summary>
    public void Trim(int replica, CacheTier tier, long tokens)
    {
        ref var list = ref _replicas[replica][tier];
        while (list.Tokens > tokens && list.Oldest != None)
        {
            Remove(replica, list.Oldest);
        }
    }

    /// <summary>Puts a pair that is in no list yet into a lower tier; false where it has no room.</summary>
    public bool TryStore(int replica, int at, CacheTier tier, long tokens)
    {
        ref var cache = ref _replicas[replica];
        blocks[at].Tokens = (ushort)Math.Clamp(tokens, 0, CachedBlock.TokensMax);
        return TryPut(ref cache, replica, at, tier);
    }

    /// <summary>One more request holds the pair, which has so many tokens as far as is known now.</summary>
    public void Pin(int replica, int at, long tokens, bool isNew = false)
    {
        ref var cache = ref _replicas[replica];
        ref var block = ref blocks[at];
        if (!isNew && !block.IsPinned)
        {
            TakeOut(ref cache, replica, at);
            if (block.Tier != CacheTier.Device)
            {
                block.SetCopy(block.Tier, has: true);
                block.Tier = CacheTier.Device;
            }

            cache.Device.Tokens += block.Tokens;
        }

        block.Pin(isNew);
        cache.Pins++;
        Weigh(ref cache, at, tokens);
    }

    /// <summary>One request less holds the pair; the last one makes it the newest of its list, or removes it where no
    /// request showed that the engine took it in.</summary>
    public void Unpin(int replica, int at, long tokens, bool confirms)
    {
        ref var cache = ref _replicas[replica];
        ref var block = ref blocks[at];
        Check.That(block.IsPinned && block.Newer > 0 && cache.Pins > 0);
        cache.Pins--;
        Weigh(ref cache, at, tokens);
        var isLast = block.Unpin(confirms);
        if (isLast && block.IsUnconfirmed)
        {
            cache.Device.Tokens -= block.Tokens;
            blocks.Remove(at, replica);
        }
        else if (isLast)
        {
            block.Stamp = ages.Add(replica, block.Tokens, cache.Device.Tokens, _now);
            cache.Device.LinkNewest(blocks, at);
        }
    }

    /// <summary>Adds a pair, in no list yet; false where there is no room for it that could be made, or whoever it is
    /// added for has its share.</summary>
    public bool TryAdd(int replica, ulong hash, long tokens, out int at, byte account = EntryShares.None)
    {
        at = None;
        if (!Shares.HasLeft(replica, account) || !MakeRoom(replica, tokens))
        {
            _replicas[replica].Overflows++;
            return false;
        }

        Shares.Charge(replica, account);
        at = blocks.Add(hash, replica);
        return true;
    }

    /// <summary>Changes what a pair weighs, wherever it is.</summary>
    public void Reweigh(int replica, int at, long tokens)
    {
        ref var block = ref blocks[at];
        ref var cache = ref _replicas[replica];
        if (!block.IsPinned && block.Tier == CacheTier.Device)
        {
            ages.Remove(replica, block.Stamp, block.Tokens - (int)tokens);
        }

        Weigh(ref cache, at, tokens);
    }

    /// <summary>Forgets a pair that no request holds.</summary>
    public void Remove(int replica, int at)
    {
        TierList.PassOn(blocks, at);
        TakeOut(ref _replicas[replica], replica, at);
        blocks.Remove(at, replica);
    }

    /// <summary>A pair that no request holds lies in a tier now; or where that has no room, in one below, or nowhere.
    /// </summary>
    public void Move(int replica, int at, CacheTier tier)
    {
        ref var cache = ref _replicas[replica];
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

    /// <summary>Forgets everything, and with it who holds it.</summary>
    public void Clear(int replica)
    {
        blocks.Clear(replica);
        ages.Clear(replica);
        _replicas[replica].Forget();
    }

    /// <summary>Loses the oldest until <paramref name="tokens"/> more fit; false where requests hold too
    /// much.</summary>
    public bool Fit(int replica, long tokens = 0)
    {
        ref var cache = ref _replicas[replica];
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
    public void FitAll(int replica)
    {
        Fit(replica);
        for (var tier = CacheTier.Host; tier <= CacheTier.Disk; tier++)
        {
            ref var list = ref _replicas[replica][tier];
            while (list.Tokens > list.Capacity)
            {
                Move(replica, list.Oldest, tier + 1);
            }
        }
    }

    public void Save(StateWriter to)
    {
        to.Write(in _now);
        to.WriteAll<ReplicaCache>(_replicas);
        Shares.Save(to);
    }

    public void Load(ref StateReader from)
    {
        _now = from.Read<Instant>();
        from.ReadAll<ReplicaCache>(_replicas);
        Shares.Load(ref from);
    }

    private bool MakeRoom(int replica, long tokens)
    {
        ref var cache = ref _replicas[replica];
        if (!Fit(replica, tokens))
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

            Remove(replica, cache[tier].Oldest);
        }

        return true;
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
                Move(replica, at, CacheTier.Host);
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
            Move(replica, at, CacheTier.Host);
        }
    }

    private bool TryPut(ref ReplicaCache cache, int replica, int at, CacheTier tier)
    {
        ref var list = ref cache[tier];
        var tokens = blocks[at].Tokens;
        if (list.Capacity == 0 || list.Capacity < tokens)
        {
            return false;
        }

        while (list.Tokens + tokens > list.Capacity)
        {
            Move(replica, list.Oldest, tier + 1);
        }

        blocks[at].Tier = tier;
        blocks[at].SetCopy(tier, has: false);
        list.Tokens += tokens;
        list.LinkNewest(blocks, at);
        return true;
    }

    private void Weigh(ref ReplicaCache cache, int at, long tokens)
    {
        ref var block = ref blocks[at];
        var weight = (ushort)Math.Clamp(tokens, 0, CachedBlock.TokensMax);
        cache[block.Tier].Tokens += weight - block.Tokens;
        block.Tokens = weight;
    }

    private void TakeOut(ref ReplicaCache cache, int replica, int at)
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
}
