using System.Diagnostics.CodeAnalysis;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What each replica holds, in the order of its last use, counted in tokens against what its cache holds: a list for
/// every tier. What requests in flight hold is in no list and cannot be lost, as in an engine.
/// </summary>
internal sealed class CacheLists(BlockHolders blocks, AgeRing ages, int replicas)
{
    private const int None = BlockHolders.None;

    private readonly ReplicaCache[] _replicas = new ReplicaCache[replicas];
    private Instant _now;

    public ref ReplicaCache this[int replica] => ref _replicas[replica];

    public void MoveTo(Instant now) => _now = now;

    /// <summary>One more request holds the pair, which has so many tokens as far as is known now.</summary>
    public void Pin(int replica, int at, long tokens, bool isNew = false)
    {
        ref var cache = ref _replicas[replica];
        ref var block = ref blocks[at];
        if (!isNew && !block.IsPinned)
        {
            TakeOut(ref cache, replica, at);
            block.Tier = CacheTier.Device;
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
            LinkNewest(ref cache.Device, at);
        }
    }

    /// <summary>Adds a pair, in no list yet; false where there is no room for it that could be made.</summary>
    public bool TryAdd(int replica, ulong hash, long tokens, out int at)
    {
        at = None;
        if (!MakeRoom(replica, tokens))
        {
            _replicas[replica].Overflows++;
            return false;
        }

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
        TakeOut(ref _replicas[replica], replica, at);
        blocks.Remove(at, replica);
    }

    /// <summary>Forgets everything, and with it who holds it.</summary>
    public void Clear(int replica)
    {
        blocks.Clear(replica);
        ages.Clear(replica);
        ref var cache = ref _replicas[replica];
        cache.Device = new TierList { Capacity = cache.Device.Capacity };
        cache.Host = new TierList { Capacity = cache.Host.Capacity };
        cache.Disk = new TierList { Capacity = cache.Disk.Capacity };
        cache.Partial = 0;
        cache.PartialLost = 0;
        cache.Pins = 0;
        cache.Generation++;
    }

    /// <summary>Loses the oldest until <paramref name="tokens"/> more fit; false where requests hold too much.</summary>
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

    private bool MakeRoom(int replica, long tokens)
    {
        ref var cache = ref _replicas[replica];
        if (!Fit(replica, tokens))
        {
            return false;
        }

        while (blocks.IsFull(replica))
        {
            var tier = LowestList(ref cache);
            if (tier == CacheTier.Shared)
            {
                return false;
            }

            Remove(replica, cache[tier].Oldest);
        }

        return true;
    }

    public void Save(StateWriter to)
    {
        to.Write(in _now);
        to.WriteAll<ReplicaCache>(_replicas);
    }

    public void Load(ref StateReader from)
    {
        _now = from.Read<Instant>();
        from.ReadAll<ReplicaCache>(_replicas);
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
                MoveDown(ref cache, replica, at);
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
            MoveDown(ref cache, replica, at);
        }
    }

    /// <summary>From the accelerator's memory to the host's, from there to disk, from there to nowhere.</summary>
    private void MoveDown(ref ReplicaCache cache, int replica, int at)
    {
        TakeOut(ref cache, replica, at);
        for (var tier = blocks[at].Tier + 1; tier <= CacheTier.Disk; tier++)
        {
            ref var list = ref cache[tier];
            if (list.Capacity >= Math.Max(1, (int)blocks[at].Tokens))
            {
                while (list.Tokens + blocks[at].Tokens > list.Capacity)
                {
                    MoveDown(ref cache, replica, list.Oldest);
                }

                blocks[at].Tier = tier;
                list.Tokens += blocks[at].Tokens;
                LinkNewest(ref list, at);
                return;
            }
        }

        blocks.Remove(at, replica);
    }

    private static CacheTier LowestList(ref ReplicaCache cache) =>
        cache.Disk.Oldest != None ? CacheTier.Disk
        : cache.Host.Oldest != None ? CacheTier.Host
        : cache.Device.Oldest != None ? CacheTier.Device
        : CacheTier.Shared;

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
        (block.Newer != None ? ref blocks[block.Newer].Older : ref list.Newest) = block.Older;
        (block.Older != None ? ref blocks[block.Older].Newer : ref list.Oldest) = block.Newer;
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

    private void LinkNewest(ref TierList list, int at)
    {
        ref var block = ref blocks[at];
        block.Newer = None;
        block.Older = list.Newest;
        if (list.Newest != None)
        {
            blocks[list.Newest].Newer = at;
        }
        else
        {
            list.Oldest = at;
        }

        list.Newest = at;
    }
}

/// <summary>The tokens that one tier of a replica holds, in the order of their last use.</summary>
internal struct TierList
{
    public int Newest;
    public int Oldest;

    /// <summary>With those that requests hold.</summary>
    public long Tokens;
    public long Capacity;
}

/// <summary>The cache of one replica.</summary>
internal struct ReplicaCache
{
    public TierList Device;
    public TierList Host;
    public TierList Disk;

    /// <summary>Of the oldest block a part may be lost already: its hash, and how many of its tokens.</summary>
    public ulong Partial;
    public int PartialLost;

    /// <summary>Counts how often everything was forgotten: what was held before is not to be given back.</summary>
    public int Generation;

    /// <summary>Blocks times requests that hold them.</summary>
    public long Pins;

    /// <summary>Times that there was no room because requests held everything.</summary>
    public long Overflows;

    /// <summary>Tokens in a block of the engine's.</summary>
    public int BlockTokens;

    /// <summary>It loses all that one request added at once.</summary>
    public bool LosesRuns;

    public readonly long Capacity => Device.Capacity;

    public readonly long LowerCapacity => Host.Capacity + Disk.Capacity;

    [UnscopedRef]
    public ref TierList this[CacheTier tier]
    {
        get
        {
            switch (tier)
            {
                case CacheTier.Device:
                    return ref Device;
                case CacheTier.Host:
                    return ref Host;
                default:
                    return ref Disk;
            }
        }
    }
}
