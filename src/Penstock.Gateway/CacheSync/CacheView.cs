using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// What one engine's events add up to, and how its pool learns of it. A pool that knows prefixes by tokens is told
/// every block; one that knows them by bytes learns of an empty cache at once, and of the volume now and then: the two
/// have no key in common.
/// </summary>
/// <remarks>Thread-safe. Its lock is taken before the pool's, never the other way about. Without events it has no timer
/// and costs nothing.</remarks>
internal sealed class CacheView : IDisposable
{
    /// <summary>The volume is told no more often.</summary>
    public static readonly TimeSpan VolumeEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>A batch this much older than its arrival, by two clocks that may disagree, says nothing about the
    /// volume of now. The pool allows for a delay of the same length.</summary>
    public static readonly TimeSpan DelayMax = UntoldTokens.DelayMax;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ITimer _volume;
    private readonly long[] _told = new long[KvBlockMap.Tiers];
    private readonly bool[] _partial = new bool[KvBlockMap.RanksMax];
    private readonly ulong _model;
    private readonly ulong _secret;
    private KvBlockMap _map;
    private Pool? _pool;
    private int _slot;
    private int _partials;
    private bool _isArmed;
    private bool _isLate;

    /// <summary>Blocks of such a kind that they have no key here.</summary>
    public bool IsKeyless { get; set; }

    /// <param name="model">What the keys of the pool's prompts begin with.</param>
    /// <param name="secret">Keeps names from meeting on purpose.</param>
    /// <param name="time">Times the telling.</param>
    public CacheView(ulong model, ulong secret, TimeProvider time)
    {
        _model = model;
        _secret = secret;
        _time = time;
        _map = NewMap(default);
        _volume = time.CreateTimer(static view => ((CacheView)view!).TellVolume(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Tokens in the accelerator's memory, as the events say; null: not all is known.</summary>
    public long? ResidentTokens
    {
        get
        {
            lock (_lock)
            {
                return _partials == 0 ? _map.TokensIn(KvTier.Device) : null;
            }
        }
    }

    /// <summary>From now on this pool is told, from the beginning.</summary>
    public void Sit(Pool pool, int slot)
    {
        lock (_lock)
        {
            _pool = pool;
            _slot = slot;
            TellAll();
        }
    }

    /// <summary>Nothing is known any more, of an engine whose cache is like this.</summary>
    public void Restart(in CacheShape shape)
    {
        lock (_lock)
        {
            _map = NewMap(shape);
            Array.Clear(_partial);
            _partials = 0;
            _isLate = false;
        }
    }

    /// <summary>Takes all events of a batch of one rank.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="batch">Its events.</param>
    public void Take(int rank, ref KvBatchReader batch)
    {
        lock (_lock)
        {
            var sink = new Sink(this);
            while (batch.TryNext(out var e))
            {
                TakeOne(in e, rank, ref sink);
            }

            var delay = _time.GetUtcNow() - DateTimeOffset.UnixEpoch - Seconds(batch.Timestamp);
            _isLate = delay.Duration() > DelayMax;
            Arm();
        }
    }

    /// <summary>Takes one event of one rank, of an engine that was asked just now.</summary>
    public void Take(int rank, in KvEvent e)
    {
        lock (_lock)
        {
            var sink = new Sink(this);
            TakeOne(in e, rank, ref sink);
            _isLate = false;
            Arm();
        }
    }

    /// <summary>The cache of a rank is empty: it began anew.</summary>
    public void Lost(int rank)
    {
        lock (_lock)
        {
            SetPartial(rank, false);
            var sink = new Sink(this);
            _map.Clear(rank, ref sink);
        }
    }

    /// <summary>What a rank holds is not known: something was missed. A pool that knows blocks forgets them, for which
    /// are gone cannot be told; one that does not goes on by its own accounting.</summary>
    public void Doubt(int rank)
    {
        lock (_lock)
        {
            SetPartial(rank, true);
            if (KnowsBlocks)
            {
                var sink = new Sink(this);
                _map.Clear(rank, ref sink);
            }
            else
            {
                var nobody = default(Nobody);
                _map.Clear(rank, ref nobody);
            }
        }
    }

    /// <summary>What is known of a rank is not all that it holds.</summary>
    public void StartedInTheMiddle(int rank)
    {
        lock (_lock)
        {
            SetPartial(rank, true);
        }
    }

    public void Dispose() => _volume.Dispose();

    private bool KnowsBlocks => _pool is { Keying.AreTokens: true };

    private Instant Now => _pool!.Now;

    private KvBlockMap NewMap(in CacheShape shape) => new(FeedBounds.BlocksMax(in shape), _model, _secret);

    private void TakeOne(in KvEvent e, int rank, ref Sink sink)
    {
        if (e.Kind == KvEventKind.Cleared)
        {
            SetPartial(rank, false);
        }

        _map.Apply(in e, rank, ref sink);
    }

    private void SetPartial(int rank, bool partial)
    {
        if ((uint)rank < (uint)_partial.Length && _partial[rank] != partial)
        {
            _partial[rank] = partial;
            _partials += partial ? 1 : -1;
        }
    }

    private void Arm()
    {
        if (!_isArmed && _pool is not null && !KnowsBlocks)
        {
            _isArmed = true;
            _volume.Change(VolumeEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private void TellVolume()
    {
        lock (_lock)
        {
            _isArmed = false;
            if (_pool is null || KnowsBlocks || _partials > 0 || _isLate)
            {
                return;
            }

            for (var tier = KvTier.Device; tier < KvTier.Shared; tier++)
            {
                var tokens = _map.TokensIn(tier);
                if (tokens != _told[(int)tier])
                {
                    _told[(int)tier] = tokens;
                    _pool.Tell(PoolEvent.CacheResident(Now, _slot, (CacheTier)tier, tokens));
                }
            }
        }
    }

    private void TellAll()
    {
        Array.Clear(_told);
        if (KnowsBlocks)
        {
            var sink = new Sink(this);
            _map.Tell(ref sink);
        }

        Arm();
    }

    private void Stored(KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens)
    {
        if (KnowsBlocks && !IsKeyless && blockTokens == _pool!.Keying.BlockLength)
        {
            var blocks = new PromptPrefix { Blocks = keys };
            _pool.Tell(PoolEvent.CacheStored(Now, _slot, (CacheTier)tier), in blocks);
        }
    }

    private void Removed(KvTier tier, ReadOnlySpan<ulong> keys)
    {
        if (KnowsBlocks && !IsKeyless)
        {
            var blocks = new PromptPrefix { Blocks = keys };
            _pool!.Tell(PoolEvent.CacheRemoved(Now, _slot, (CacheTier)tier), in blocks);
        }
    }

    private void Cleared()
    {
        if (_pool is null)
        {
            return;
        }

        _pool.Tell(PoolEvent.CacheLost(Now, _slot));

        // Behind the one address other ranks may still hold something.
        TellAll();
    }

    private static TimeSpan Seconds(double seconds) =>
        double.IsFinite(seconds) ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e11)) : TimeSpan.Zero;

    /// <summary>Hands on what the map finds out, under the view's lock.</summary>
    private readonly struct Sink(CacheView view) : IKvKeySink
    {
        public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens) =>
            view.Stored(tier, keys, blockTokens);

        public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys) => view.Removed(tier, keys);

        public void Cleared(int rank) => view.Cleared();
    }

    private readonly struct Nobody : IKvKeySink
    {
        public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens)
        {
        }

        public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys)
        {
        }

        public void Cleared(int rank)
        {
        }
    }
}
