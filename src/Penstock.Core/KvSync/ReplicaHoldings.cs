using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.KvSync;

/// <summary>
/// What the events of one replica add up to, and what its pool is told of it. A pool that knows prefixes by tokens is
/// told every block; one that knows them by bytes learns of an empty cache at once, and of the volume when it asks: the
/// two have no key in common. After a gap the names of blocks stay known, but not which of them are still held: the
/// pool keeps what it believes and goes on by its own accounting, which removals that come later still correct.
/// </summary>
/// <remarks>Owned by one thread at a time. Bounded, and without allocation once its tables have their size.</remarks>
public sealed class ReplicaHoldings
{
    private readonly ulong _model;
    private readonly ulong _secret;
    private readonly bool[] _partial = new bool[KvBlockMap.RanksMax];
    private readonly bool[] _heard = new bool[KvBlockMap.RanksMax];
    private readonly bool[] _empty = new bool[KvBlockMap.RanksMax];
    private readonly long[] _told = new long[KvBlockMap.Tiers];
    private readonly ulong[] _keys = new ulong[KvBlockMap.PartMax];
    private KvBlockMap _map;
    private RankUnion? _union;
    private IPoolTeller? _pool;
    private PrefixKeying _keying;
    private Instant _now;
    private int _slot;
    private int _blocksMax;
    private int _ranks;
    private int _ranksHeard;
    private int _partials;

    /// <param name="model">What the keys of the pool's prompts begin with.</param>
    /// <param name="secret">Keeps names from meeting on purpose.</param>
    /// <param name="blocksMax">Blocks held and remembered at most.</param>
    public ReplicaHoldings(ulong model, ulong secret, int blocksMax)
    {
        _model = model;
        _secret = secret;
        _blocksMax = blocksMax;
        _map = new KvBlockMap(blocksMax, model, secret);
    }

    /// <summary>Blocks of such a kind that they have no key here.</summary>
    public bool IsKeyless { get; set; }

    /// <summary>Tokens in the accelerator's memory of all ranks, as the events say; null: not all is known.</summary>
    public long? ResidentTokens => _partials == 0 ? _map.TokensIn(KvTier.Device) : null;

    /// <summary>The pool is told of single blocks.</summary>
    public bool KnowsBlocks => _pool is not null && _keying.AreTokens;

    /// <summary>The pool is to be told of the volume, now and then.</summary>
    public bool WantsVolume => _pool is not null && !_keying.AreTokens;

    /// <summary>From now on this pool is told, from the beginning.</summary>
    public void Sit(IPoolTeller pool, int slot, PrefixKeying keying, Instant now)
    {
        (_pool, _slot, _keying, _now) = (pool, slot, keying, now);
        Array.Clear(_told);
        Array.Clear(_empty);
        SetRoutedBlocks();
        if (KnowsBlocks)
        {
            SetUnion(_ranksHeard > 1 ? new RankUnion(_blocksMax, _secret) : null);
            var sink = new Sink(this);
            _map.Tell(ref sink);
        }
    }

    /// <summary>Nothing is known any more, of an engine with so many ranks (0: not known).</summary>
    public void Restart(int blocksMax, int ranks)
    {
        _blocksMax = blocksMax;
        _ranks = ranks;
        _map = new KvBlockMap(blocksMax, _model, _secret);
        SetUnion(null);
        _ranksHeard = _partials = 0;
        Array.Clear(_partial);
        Array.Clear(_heard);
        Array.Clear(_empty);
        SetRoutedBlocks();
    }

    /// <summary>A prompt whose blocks have these keys was sent to the replica.</summary>
    public void Routed(ReadOnlySpan<ulong> chain)
    {
        if (KnowsBlocks)
        {
            _map.Routed(chain);
        }
    }

    /// <summary>Takes one event of one rank.</summary>
    /// <returns>False: for some of its blocks there was no room. As after a gap, what is known of the rank is not all
    /// that it holds until it begins anew; removals of those blocks say nothing, and the pool's own accounting goes on.
    /// </returns>
    public bool Take(in KvEvent e, int rank, Instant now)
    {
        Hear(rank, now);
        if (e.Kind == KvEventKind.Cleared)
        {
            // Said again, it is no news: whoever says nothing else is not told on to the pool each time.
            if (!IsEmpty(rank))
            {
                Empty(rank);
            }

            return true;
        }

        SetEmpty(rank, IsEmpty(rank) && e.Kind != KvEventKind.Stored);
        var sink = new Sink(this);
        var left = _map.Full;
        _map.Apply(in e, rank, ref sink);
        if (_map.Full > left)
        {
            SetPartial(rank, true);
        }

        return _map.Full == left;
    }

    /// <summary>The cache of a rank is empty: it began anew.</summary>
    public void Lost(int rank, Instant now)
    {
        Hear(rank, now);
        Empty(rank);
    }

    /// <summary>What a rank holds is not known any more: something was missed.</summary>
    public void Doubt(int rank, Instant now)
    {
        Hear(rank, now);
        SetPartial(rank, true);
        if (_map.Doubt(rank) && _union is not null)
        {
            SetUnion(null);
            CountRanks();
        }
    }

    /// <summary>What is known of a rank is not all that it holds.</summary>
    public void StartedInTheMiddle(int rank) => SetPartial(rank, true);

    /// <summary>Tells a pool that knows no blocks how much is held, where all of it is known and it changed.</summary>
    public void TellVolume(Instant now)
    {
        if (!WantsVolume || _partials > 0)
        {
            return;
        }

        for (var tier = KvTier.Device; tier < KvTier.Shared; tier++)
        {
            var tokens = _map.TokensIn(tier);
            if (tokens != _told[(int)tier])
            {
                _told[(int)tier] = tokens;
                _pool!.Tell(PoolEvent.CacheResident(now, _slot, (CacheTier)tier, tokens), default);
            }
        }
    }

    /// <summary>Of several ranks one that is empty says nothing of the others.</summary>
    private void Empty(int rank)
    {
        SetPartial(rank, false);
        SetEmpty(rank, true);
        var isOnly = _ranks <= 1 && _ranksHeard <= 1;
        var sink = new Sink(this);
        if (!isOnly && KnowsBlocks)
        {
            _map.TellRemoved(rank, ref sink);
        }

        _map.Clear(rank, ref sink);
        if (isOnly)
        {
            Array.Clear(_told);
            _pool?.Tell(PoolEvent.CacheLost(_now, _slot), default);
        }
        else
        {
            TellVolume(_now);
        }
    }

    private void Hear(int rank, Instant now)
    {
        _now = now;
        if ((uint)rank < (uint)_heard.Length && !_heard[rank])
        {
            _heard[rank] = true;
            _ranksHeard++;
            CountRanks();
        }
    }

    /// <summary>Counts what ranks have in common, once there are several and somebody wants to know.</summary>
    private void CountRanks()
    {
        if (_ranksHeard > 1 && KnowsBlocks && _union is null)
        {
            SetUnion(new RankUnion(_blocksMax, _secret));
            var counting = new UnionCounting(_union!, _keys);
            _map.Tell(ref counting);
        }
    }

    private void SetUnion(RankUnion? union)
    {
        _union = union;

        // What one rank is no longer known to hold, another one may.
        _map.TellsDoubted = union is null;
    }

    private void SetPartial(int rank, bool partial)
    {
        if ((uint)rank < (uint)_partial.Length && _partial[rank] != partial)
        {
            _partial[rank] = partial;
            _partials += partial ? 1 : -1;
        }

        SetEmpty(rank, IsEmpty(rank) && !partial);
    }

    /// <summary>The pool was told that the rank holds nothing, and nothing came since.</summary>
    private bool IsEmpty(int rank) => (uint)rank < (uint)_empty.Length && _empty[rank];

    private void SetEmpty(int rank, bool empty)
    {
        if ((uint)rank < (uint)_empty.Length)
        {
            _empty[rank] = empty;
        }
    }

    private void SetRoutedBlocks() => _map.RoutedBlockTokens = KnowsBlocks ? _keying.BlockLength : 0;

    private void Stored(KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens)
    {
        if (KnowsBlocks && !IsKeyless && blockTokens == _keying.BlockLength)
        {
            keys.CopyTo(_keys);
            var count = _union?.Add(tier, _keys.AsSpan(0, keys.Length)) ?? keys.Length;
            Tell(PoolEvent.CacheStored(_now, _slot, (CacheTier)tier), count);
        }
    }

    private void Removed(KvTier tier, ReadOnlySpan<ulong> keys)
    {
        if (KnowsBlocks && !IsKeyless)
        {
            keys.CopyTo(_keys);
            var count = _union?.Remove(tier, _keys.AsSpan(0, keys.Length)) ?? keys.Length;
            Tell(PoolEvent.CacheRemoved(_now, _slot, (CacheTier)tier), count);
        }
    }

    private void Tell(in PoolEvent happened, int count)
    {
        if (count > 0)
        {
            _pool!.Tell(in happened, new PromptPrefix { Blocks = _keys.AsSpan(0, count) });
        }
    }

    /// <summary>Hands on what the map finds out.</summary>
    private readonly struct Sink(ReplicaHoldings holdings) : IKvKeySink
    {
        public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens) =>
            holdings.Stored(tier, keys, blockTokens);

        public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys) => holdings.Removed(tier, keys);

        public void Cleared(int rank)
        {
            // What that means is told by whoever clears.
        }
    }
}
