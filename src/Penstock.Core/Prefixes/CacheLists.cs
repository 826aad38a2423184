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
    private readonly CacheLosses _losses = new(blocks, ages);
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
        blocks[at].Tokens = WeightOf(tokens);
        return _losses.TryPut(ref cache, replica, at, tier);
    }

    /// <summary>One more request holds the pair, which has so many tokens as far as is known now.</summary>
    public void Pin(int replica, int at, long tokens)
    {
        ref var cache = ref _replicas[replica];
        ref var block = ref blocks[at];
        if (!block.IsPinned)
        {
            _losses.TakeOut(ref cache, replica, at);
            if (block.Tier != CacheTier.Device)
            {
                block.SetCopy(block.Tier, has: true);
                block.Tier = CacheTier.Device;
            }

            cache.Device.Tokens += block.Tokens;
        }

        block.Pin();
        cache.Pins++;
        Weigh(ref cache, ref block, tokens);
    }

    /// <summary>One request less holds the pair; the last one makes it the newest of its list, or removes it where no
    /// request showed that the engine took it in.</summary>
    public void Unpin(int replica, int at, long tokens, bool confirms)
    {
        ref var cache = ref _replicas[replica];
        ref var block = ref blocks[at];
        Check.That(block.IsPinned && block.Newer > 0 && cache.Pins > 0);
        cache.Pins--;
        Weigh(ref cache, ref block, tokens);
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
        ref var cache = ref _replicas[replica];
        var hasRoom = cache.Device.Tokens + tokens <= cache.Capacity && !blocks.IsFull(replica);
        if (!Shares.HasLeft(replica, account) || (!hasRoom && !_losses.MakeRoom(ref cache, replica, tokens)))
        {
            cache.Overflows++;
            return false;
        }

        Shares.Charge(replica, account);
        at = blocks.Add(hash, replica);
        return true;
    }

    /// <summary>Adds a pair that one request holds; false where there is no room for it that could be made.</summary>
    public bool TryHold(int replica, ulong hash, long tokens, out int at, byte account = EntryShares.None)
    {
        if (!TryAdd(replica, hash, tokens, out at, account))
        {
            return false;
        }

        ref var cache = ref _replicas[replica];
        ref var block = ref blocks[at];
        block.PinNew();
        cache.Pins++;
        block.Tokens = WeightOf(tokens);
        cache.Device.Tokens += block.Tokens;
        return true;
    }

    /// <summary>One more request holds a pair, which is added where it is not there; none where there is no room for
    /// it.</summary>
    public int FindOrHold(int replica, ulong hash, long tokens, byte account = EntryShares.None)
    {
        var at = blocks.Find(hash, replica);
        if (at != None)
        {
            Pin(replica, at, tokens);
        }
        else
        {
            TryHold(replica, hash, tokens, out at, account);
        }

        return at;
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

        Weigh(ref cache, ref block, tokens);
    }

    /// <summary>Forgets a pair that no request holds.</summary>
    public void Remove(int replica, int at) => _losses.Remove(ref _replicas[replica], replica, at);

    /// <summary>A pair that no request holds lies in a tier now; or where that has no room, in one below, or nowhere.
    /// </summary>
    public void Move(int replica, int at, CacheTier tier) => _losses.Move(ref _replicas[replica], replica, at, tier);

    /// <summary>Loses the oldest until nothing is too much; false where requests hold what is.</summary>
    public bool Fit(int replica) => _losses.Fit(ref _replicas[replica], replica);

    /// <summary>The same in every tier, after their sizes changed.</summary>
    public void FitAll(int replica) => _losses.FitAll(ref _replicas[replica], replica);

    /// <summary>Forgets everything, and with it who holds it.</summary>
    public void Clear(int replica)
    {
        blocks.Clear(replica);
        ages.Clear(replica);
        _replicas[replica].Forget();
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

    private static ushort WeightOf(long tokens) => (ushort)Math.Clamp(tokens, 0, CachedBlock.TokensMax);

    private static void Weigh(ref ReplicaCache cache, ref CachedBlock block, long tokens)
    {
        var weight = WeightOf(tokens);
        if (weight != block.Tokens)
        {
            cache[block.Tier].Tokens += weight - block.Tokens;
            block.Tokens = weight;
        }
    }
}
