using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Engines;
using Penstock.Engines.Watching;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// What one replica says of its cache and load, from when it is recognised until it is gone: the subscriptions or the
/// poll that its engine and the configuration call for, and the view of its cache that they keep. Thread-safe.
/// </summary>
internal sealed class CacheFeed : IAsyncDisposable
{
    private readonly ReplicaSnapshot _replica;
    private readonly ReplicaWatch _watch;
    private readonly TimeProvider _time;
    private readonly CacheView _view;
    private readonly LoadView _load;
    private readonly CacheLog _log;
    private readonly Lock _lock = new();
    private volatile FeedSet _feeds = FeedSet.None;
    private Task _ending = Task.CompletedTask;
    private FeedPlan _plan = FeedPlan.Nothing;
    private int _blocksMax = FeedBounds.BlocksMax(default);
    private volatile int _slots;
    private FeedStatus _ended;
    private bool _isEnding;

    /// <param name="replica">What is configured.</param>
    /// <param name="keys">What the keys of the pool's token blocks begin with, and the secret behind them.</param>
    /// <param name="watch">Knows what the replica is.</param>
    /// <param name="time">Times and waits.</param>
    /// <param name="log">Where it is told what becomes of it.</param>
    public CacheFeed(ReplicaSnapshot replica, TokenScope keys, ReplicaWatch watch, TimeProvider time, CacheLog log)
    {
        _log = log;
        _replica = replica;
        _watch = watch;
        _time = time;
        Bugs = new FeedBugs(watch.TellFault);
        _view = new CacheView(keys.Model, keys.Secret, time, Bugs);
        _load = new LoadView(time, Bugs);
    }

    /// <summary>What went wrong by our own fault.</summary>
    public FeedBugs Bugs { get; }

    /// <summary>From now on this pool is told.</summary>
    public void Sit(Pool pool, int slot)
    {
        _view.Sit(pool, slot);
        _load.Sit(pool, slot);
    }

    /// <summary>It is known what the engine is: listens to what it offers. Goes on as before where that is the same,
    /// and there is room for what it holds.</summary>
    public void Identified(EngineIdentity engine, in CacheShape shape)
    {
        var plan = FeedPlan.Of(_replica.KvEvents, engine, _replica.Url.IdnHost.Trim('[', ']'));
        lock (_lock)
        {
            _slots = (int)Math.Clamp(engine.Slots ?? 0, 0, int.MaxValue);
            _load.Serves(_slots);
            var blocksMax = FeedBounds.BlocksMax(in shape);
            var isEnough = !plan.TellsCache || FeedBounds.IsEnough(_blocksMax, blocksMax);
            if (_isEnding || (isEnough && plan.IsSameAs(_plan)))
            {
                return;
            }

            if (plan.LeavesAlone)
            {
                _log.LeftAlone();
            }

            _plan = plan;
            _blocksMax = blocksMax;
            var (before, cache) = (_ending, shape);

            // Not here, where the caller holds the watch's lock and we ours: a bug that surfaces is told to the watch.
            _ending = Task.Run(() => ReplaceAsync(before, plan, cache));
        }
    }

    /// <summary>A request ended there: its cache changed.</summary>
    public void AskSoon() => _feeds.Drain?.AskSoon();

    /// <summary>A prompt that a pool keyed by tokens knows by these blocks was sent there.</summary>
    public void Routed(ReadOnlySpan<ulong> blocks)
    {
        if (!ReferenceEquals(_feeds, FeedSet.None))
        {
            _view.Routed(blocks);
        }
    }

    /// <summary>How far it is to be relied on now.</summary>
    public FeedAge Age() => _feeds.Age(_time);

    /// <summary>How it stands now.</summary>
    public FeedStatus Status()
    {
        FeedStatus status;
        lock (_lock)
        {
            status = _feeds.Status(_time).Beside(in _ended);
        }

        return status.State == FeedState.None ? status : status with
        {
            Bugs = Bugs.Count,
            ResidentTokens = _view.ResidentTokens,
            IsLate = _view.IsLate,
        };
    }

    /// <summary>Nothing is listened to afterwards, whatever is still said of what the engine is.</summary>
    public async ValueTask DisposeAsync()
    {
        Task ending;
        lock (_lock)
        {
            _isEnding = true;
            ending = _ending;
        }

        await ending;
        await _feeds.DisposeAsync();
        _view.Dispose();
        _load.Dispose();
    }

    /// <summary>The old ones must have ended before the view begins anew: it is one for all of them.</summary>
    private async Task ReplaceAsync(Task before, FeedPlan plan, CacheShape shape)
    {
        await before;
        try
        {
            var gone = _feeds;
            await gone.DisposeAsync();
            lock (_lock)
            {
                _ended = gone.Status(_time).Beside(in _ended);
                _feeds = FeedSet.None;
            }

            _view.Restart(in shape, plan.TokenPairs);
            _load.Restart(_slots);
            var feeds = FeedSet.Of(plan, _view, _load, Bugs, _watch, _time, _log);
            _feeds = feeds;
            feeds.Start();
        }
        catch (Exception bug)
        {
            Bugs.Surfaced(bug);
        }
    }
}

/// <summary>What the keys of a pool's token blocks begin with.</summary>
/// <param name="Model">A number for the model, which nobody outside can know.</param>
/// <param name="Secret">Of this gateway, or its cluster.</param>
internal readonly record struct TokenScope(ulong Model, ulong Secret)
{
    public static TokenScope Of(PoolSnapshot pool, ulong secret) => new(Hash64.Of(pool.Model, secret), secret);
}
