using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Engines;
using Penstock.Engines.Watching;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// What one replica says of its cache and load, from when it is recognised until it is gone: the subscriptions or the
/// poll that its engine and the configuration call for, and the view of its cache that they keep. Thread-safe, but for
/// <see cref="Identified"/>, whose calls do not overlap.
/// </summary>
internal sealed class CacheFeed : IAsyncDisposable
{
    private readonly ReplicaSnapshot _replica;
    private readonly ReplicaWatch _watch;
    private readonly TimeProvider _time;
    private readonly CacheView _view;
    private readonly LoadView _load;
    private volatile FeedSet _feeds = FeedSet.None;
    private Task _ending = Task.CompletedTask;
    private FeedPlan _plan = FeedPlan.Nothing;

    /// <param name="replica">What is configured.</param>
    /// <param name="keys">What the keys of the pool's token blocks begin with, and the secret behind them.</param>
    /// <param name="watch">Knows what the replica is.</param>
    /// <param name="time">Times and waits.</param>
    public CacheFeed(ReplicaSnapshot replica, TokenScope keys, ReplicaWatch watch, TimeProvider time)
    {
        _replica = replica;
        _watch = watch;
        _time = time;
        _view = new CacheView(keys.Model, keys.Secret, time);
        _load = new LoadView(time);
    }

    /// <summary>From now on this pool is told.</summary>
    public void Sit(Pool pool, int slot)
    {
        _view.Sit(pool, slot);
        _load.Sit(pool, slot);
    }

    /// <summary>It is known what the engine is: listens to what it offers. Goes on as before where that is the same.
    /// </summary>
    public void Identified(EngineIdentity engine, in CacheShape shape)
    {
        var plan = FeedPlan.Of(_replica.KvEvents, engine, _replica.Url.IdnHost.Trim('[', ']'));
        if (plan.IsSameAs(_plan))
        {
            return;
        }

        var gone = _feeds;
        _plan = plan;
        _feeds = FeedSet.None;
        _ending = ReplaceAsync(gone, plan, shape, (int)(engine.Slots ?? 0));
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
        var feeds = _feeds;
        var status = feeds.Status(_time);
        return status.State == FeedState.None ? status : status with { ResidentTokens = _view.ResidentTokens };
    }

    public async ValueTask DisposeAsync()
    {
        await _ending;
        await _feeds.DisposeAsync();
        _view.Dispose();
        _load.Dispose();
    }

    /// <summary>The old ones must have ended before the view begins anew: it is one for all of them.</summary>
    private async Task ReplaceAsync(FeedSet gone, FeedPlan plan, CacheShape shape, int slots)
    {
        await _ending;
        await gone.DisposeAsync();
        _view.Restart(in shape, plan.TokenPairs);
        _load.Restart(slots);
        var feeds = FeedSet.Of(plan, _view, _load, _watch, _time);
        _feeds = feeds;
        feeds.Start();
    }
}

/// <summary>What the keys of a pool's token blocks begin with.</summary>
/// <param name="Model">A number for the model, which nobody outside can know.</param>
/// <param name="Secret">Of this gateway, or its cluster.</param>
internal readonly record struct TokenScope(ulong Model, ulong Secret)
{
    public static TokenScope Of(PoolSnapshot pool, ulong secret) => new(Hash64.Of(pool.Model, secret), secret);
}
