using Microsoft.Extensions.Logging;
using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Replicas;
using Penstock.Core.Routing;
using Penstock.Engines;
using Penstock.Engines.Http;
using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Gateway.CacheSync;

namespace Penstock.Gateway.Pools;

/// <summary>
/// One engine endpoint at work: its connections, what it was found to be, and the watches that tell the pool about its
/// health and load. Survives reloads that leave it as it is. Thread-safe.
/// </summary>
internal sealed partial class Replica : IReplicaListener, IAsyncDisposable
{
    private readonly ReplicaWatch _watch;
    private readonly LoadWatch _load;
    private readonly CacheFeed _cache;
    private readonly CacheLog _cacheLog;
    private readonly string _path;
    private readonly ILogger _log;
    private Seat? _seat;
    private Task? _deaf;
    private EngineIdentity? _identity;
    private volatile bool _countsCached;

    public Replica(
        ReplicaSnapshot snapshot, PoolSnapshot pool, EngineClient probes, ulong secret, TimeProvider time, ILogger log)
    {
        _log = log;
        _path = $"{pool.Name}/{snapshot.Name}";
        Snapshot = snapshot;
        Endpoint = new EngineEndpoint(snapshot.Url, pool.UpstreamKey);
        Client = new UpstreamClient(Endpoint.Url, pool.Timeouts.Connect, time);
        var watched = new WatchedReplica(_path, Endpoint, pool.Engine, HealthThresholds.Default);
        _watch = new ReplicaWatch(watched, probes, this, time);
        _load = new LoadWatch(_watch, time);
        _cacheLog = new CacheLog(log, _path, time);
        _cache = new CacheFeed(snapshot, TokenScope.Of(pool, secret), _watch, time, _cacheLog);
    }

    public string Name => Snapshot.Name;

    public ReplicaSnapshot Snapshot { get; }

    public EngineEndpoint Endpoint { get; }

    public UpstreamClient Client { get; }

    /// <summary>What is believed of its health.</summary>
    public ReplicaHealth Health => _watch.Health;

    /// <summary>What it says of its cache.</summary>
    public CacheFeed Cache => _cache;

    /// <summary>What the engine was found to be; null before it was recognised.</summary>
    public EngineIdentity? Identity => Volatile.Read(ref _identity);

    /// <summary>The engine says how many tokens of prompts it found in its cache: it is known to, or has once. vLLM and
    /// SGLang do so only when they are told to, and leave the count out where it is none.</summary>
    public bool CountsCached
    {
        get => _countsCached || Identity?.Can(EngineCapabilities.CachedTokensInUsage) == true;
        set => _countsCached = value;
    }

    /// <summary>Gives the replica its place in a pool, and tells the pool what is known of it. The first time, begins
    /// to watch it.</summary>
    public void Take(Pool pool, int slot)
    {
        var first = Interlocked.Exchange(ref _seat, new Seat(pool, slot)) is null;
        _cache.Sit(pool, slot);
        if (first)
        {
            _watch.Start();
            _load.Start();
        }
        else
        {
            Shape(Identity, pool.Now);

            // Not told here: a change of belief that comes in between would be overwritten by what was before it.
            _watch.Repeat();
        }
    }

    /// <summary>It is not configured any more: gets nothing new, and finishes what it has. What it says of its cache
    /// is not listened to any more: the port for it may be wanted, or its only copy, by the one that comes after it.
    /// </summary>
    public void Drain()
    {
        _watch.SetDraining(true);
        _deaf = _cache.DisposeAsync().AsTask();
    }

    /// <summary>A request that went here was answered in full; news only where something failed before.</summary>
    public void Succeeded()
    {
        _load.AskSoon();
        _cache.AskSoon();
        if (Health is not { Status: HealthStatus.Healthy, RequestFailures: 0, ConnectFailures: 0 })
        {
            _watch.Observe(HealthSignal.RequestSucceeded);
        }
    }

    /// <summary>An answer was compared with what was predicted of the cache.</summary>
    /// <param name="trust">What came of it.</param>
    /// <param name="isLost">It shows that the cache was lost.</param>
    public void Compared(in CacheTrust trust, bool isLost) => _cacheLog.Compared(in trust, isLost);

    /// <summary>Another gateway saw that the cache was lost.</summary>
    public void LostCacheSays(string gateway) => _cacheLog.LostSays(gateway);

    /// <summary>Evidence from a request that went here.</summary>
    public void Observe(HealthSignal signal) => _watch.Observe(signal);

    /// <summary>The dialect to speak to an engine for a client of <paramref name="client"/>: the same one where the
    /// engine knows it; null where it is not known to speak any.</summary>
    public static Dialect? DialectFor(EngineIdentity identity, Dialect client)
    {
        var messages = identity.Can(EngineCapabilities.NativeMessages);
        var chat = identity.Can(EngineCapabilities.NativeChat);
        return client == Dialect.Anthropic
            ? messages ? Dialect.Anthropic : chat ? Dialect.OpenAiChat : null
            : chat ? Dialect.OpenAiChat : messages ? Dialect.Anthropic : null;
    }

    void IReplicaListener.HealthChanged(ReplicaHealth before, ReplicaHealth after, Instant at)
    {
        Tell(after, at);
        if (after.Status == before.Status)
        {
            return;
        }

        if (after.Status == HealthStatus.Unhealthy)
        {
            Log.Ejected(_log, _path, ReasonOf(after.Cause));
        }
        else if (after.Status == HealthStatus.Recovering)
        {
            Log.OnProbation(_log, _path);
        }
        else if (after.Status == HealthStatus.Healthy && before.Status == HealthStatus.Recovering)
        {
            Log.Recovered(_log, _path);
        }
    }

    void IReplicaListener.Identified(EngineIdentity identity, Instant at)
    {
        Log.Recognised(_log, _path, identity.Adapter.Name, identity.Version);
        if (!identity.HasDialect)
        {
            Log.NoDialect(_log, _path, identity.Adapter.Name);
        }

        Volatile.Write(ref _identity, identity);
        Shape(identity, at);
        Tell(_watch.Health, at);
    }

    void IReplicaListener.LoadRead(LoadReport? report, Instant at)
    {
        if (report is not null && Volatile.Read(ref _seat) is { } seat)
        {
            var load = new EngineLoad(
                (int)Math.Clamp(report.Running ?? 0, 0, int.MaxValue),
                (int)Math.Clamp(report.Waiting ?? 0, 0, int.MaxValue),
                report.KvUsage ?? double.NaN,
                (int)Math.Clamp(Identity?.Slots ?? 0, 0, int.MaxValue));
            seat.Pool.Tell(PoolEvent.LoadReported(at, seat.Slot, in load));
        }
    }

    void IReplicaListener.Faulted(Exception fault, Instant at) => Log.Faulted(_log, fault, _path);

    public async ValueTask DisposeAsync()
    {
        // Whoever tells goes before whoever is told.
        await _watch.DisposeAsync();
        await _load.DisposeAsync();
        await (_deaf ?? _cache.DisposeAsync().AsTask());
        Client.Dispose();
    }

    /// <summary>An engine that was recognised anew may have another cache; whether it lost what was in it shows in
    /// its answers and events.</summary>
    private void Shape(EngineIdentity? identity, Instant at)
    {
        if (identity is not null && Volatile.Read(ref _seat) is { } seat)
        {
            var shape = seat.Pool.Snapshot.Cache.Over(identity.Cache);
            seat.Pool.Tell(PoolEvent.CacheShaped(at, seat.Slot, in shape));
            seat.Pool.BlockTold?.Invoke(TokenKeying.BlockOf(identity, in shape));
            _cache.Identified(identity, in shape);
        }
    }

    private void Tell(ReplicaHealth health, Instant at)
    {
        if (Volatile.Read(ref _seat) is { } seat)
        {
            var ineligible = health.Draining ? Ineligible.Draining
                : !health.IsRoutable || Identity is not { } identity ? Ineligible.NotHealthy
                : identity.HasDialect ? Ineligible.No
                : Ineligible.NoDialect;
            var most = health.InFlightMax(HealthThresholds.Default);
            seat.Pool.Tell(PoolEvent.Eligibility(at, seat.Slot, ineligible, most));
        }
    }

    private static string ReasonOf(EjectionCause cause) => cause switch
    {
        EjectionCause.Connect => "connections to it fail",
        EjectionCause.Requests => "requests to it fail",
        _ => "it does not answer its health probes",
    };

    private sealed record Seat(Pool Pool, int Slot);

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Error, "the watch of replica {Replica} failed, by a fault of the gateway's own")]
        public static partial void Faulted(ILogger logger, Exception fault, string replica);

        [LoggerMessage(21, LogLevel.Warning, "replica {Replica} gets no more requests: {Reason}")]
        public static partial void Ejected(ILogger logger, string replica, string reason);

        [LoggerMessage(22, LogLevel.Information, "replica {Replica} answers again and gets a few requests to prove it")]
        public static partial void OnProbation(ILogger logger, string replica);

        [LoggerMessage(23, LogLevel.Information, "replica {Replica} is healthy again")]
        public static partial void Recovered(ILogger logger, string replica);

        [LoggerMessage(24, LogLevel.Debug, "replica {Replica} was recognised as {Engine} {Version}")]
        public static partial void Recognised(ILogger logger, string replica, string engine, string? version);

        [LoggerMessage(37, LogLevel.Warning,
            "replica {Replica} is of kind {Engine} and takes requests in no API that is known; it gets none")]
        public static partial void NoDialect(ILogger logger, string replica, string engine);
    }
}
