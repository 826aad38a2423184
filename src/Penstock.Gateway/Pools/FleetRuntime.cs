using Microsoft.Extensions.Logging;
using Penstock.Core.Config;
using Penstock.Core.Routing;
using Penstock.Engines.Probing;
using Penstock.Gateway.CacheSync;

namespace Penstock.Gateway.Pools;

/// <summary>
/// Carries snapshots out: makes the pools and replicas of each, keeping those that it leaves as they are, so that
/// connections, health, load and what is known of caches survive a reload that does not concern them.
/// </summary>
/// <remarks>
/// Thread-safe; changes are applied one after the other. Requests keep the fleet that they began with.
/// </remarks>
internal sealed class FleetRuntime : IAsyncDisposable
{
    /// <summary>What a kill may cost of the decision logs.</summary>
    private static readonly TimeSpan FlushEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _applying = new();
    private readonly TimeProvider _time;
    private readonly EngineClient _probes;
    private readonly PoolOutlets _outlets;
    private readonly ILogger _log;
    private readonly ITimer? _flush;
    private readonly FaultBoundary _faults;
    private readonly Retirement _gone;
    private Fleet _current;
    private readonly ulong _secret;
    private ulong _seed;

    /// <param name="first">The snapshot to begin with; its replicas are watched from now on.</param>
    /// <param name="time">Times and waits.</param>
    /// <param name="seed">Breaks ties between replicas.</param>
    /// <param name="outlets">Where the pools say what happens in them.</param>
    /// <param name="secret">Of this gateway, or its cluster: behind the keys of token blocks.</param>
    /// <param name="log">Where the watches of replicas report.</param>
    public FleetRuntime(
        FleetSnapshot first, TimeProvider time, ulong seed, PoolOutlets outlets, ulong secret,
        ILogger<FleetRuntime> log)
    {
        _secret = secret;
        _log = log;
        _time = time;
        _seed = seed;
        _outlets = outlets;
        _faults = new FaultBoundary(log);
        _gone = new Retirement(time, _faults);
        _probes = new EngineClient(time);
        lock (_applying)
        {
            // A replica may say what a block of it is while the pools after its own are still being made.
            _current = Make(first, new Dictionary<string, Pool>());
        }

        _flush = outlets.Recordings is null
            ? null
            : time.CreateTimer(_ => FlushRecordings(), null, FlushEvery, FlushEvery);
    }

    /// <summary>What new requests are served by.</summary>
    public Fleet Current => Volatile.Read(ref _current);

    /// <summary>Of this gateway, or its cluster: behind the hashes of prompts.</summary>
    public ulong Secret => _secret;

    /// <summary>Faults of the gateway's own that nobody stands behind, as on a timer.</summary>
    public long Faults => _faults.Count;

    /// <summary>Another fleet is in use, with pools or replicas that know nothing yet of what others said before.
    /// </summary>
    public event Action? Changed;

    /// <summary>At least one replica can take requests.</summary>
    public bool IsRoutable => Current.Pools.Any(p => p.HasEligible);

    /// <summary>
    /// Takes a new snapshot into use. Replicas that are gone finish what they have and are then let go.
    /// </summary>
    public void Apply(FleetSnapshot snapshot)
    {
        lock (_applying)
        {
            var before = _current;
            var served = before.Pools.SelectMany(p => p.Replicas.Select(r => (Pool: p, Replica: r))).ToArray();
            var next = Make(snapshot, before.Pools.ToDictionary(p => p.Snapshot.Name));
            Volatile.Write(ref _current, next);
            foreach (var gone in before.Pools.Except(next.Pools))
            {
                _gone.Add(gone);
            }

            var kept = next.Pools.SelectMany(p => p.Replicas).ToHashSet();
            foreach (var (pool, gone) in served.Where(s => !kept.Contains(s.Replica)))
            {
                _gone.Add(gone, pool);
            }
        }

        Changed?.Invoke();
    }

    public async ValueTask DisposeAsync()
    {
        await _gone.DisposeAsync();
        foreach (var replica in Current.Pools.SelectMany(p => p.Replicas))
        {
            await _faults.StopAsync(() => replica.DisposeAsync().AsTask());
        }

        _probes.Dispose();
        if (_flush is not null)
        {
            await _flush.DisposeAsync();
            FlushRecordings();
        }
    }

    private void FlushRecordings()
    {
        foreach (var pool in Current.Pools)
        {
            _faults.Stop(pool.FlushRecording);
        }
    }

    /// <summary>The first replica says what a block is: a pool that was made for another starts anew, before it can
    /// have served anybody well.</summary>
    private void OnBlockTold(Pool pool, int block)
    {
        pool.BlockTold = null;
        if (block != pool.Keying.BlockLength)
        {
            // The caller holds the lock of a replica's watch, which is taken under that of changes.
            ThreadPool.UnsafeQueueUserWorkItem(
                static at => at.Runtime._faults.Stop(() => at.Runtime.Rekey(at.Pool)), (Runtime: this, Pool: pool),
                preferLocal: false);
        }
    }

    private void Rekey(Pool pool)
    {
        lock (_applying)
        {
            var before = _current;
            if (before.Find(pool.Snapshot.Name) != pool)
            {
                return;
            }

            var pools = before.Pools.ToDictionary(p => p.Snapshot.Name, StringComparer.Ordinal);
            pools[pool.Snapshot.Name] = NewPool(before.Snapshot, pool.Snapshot, [.. pool.Replicas]);
            Volatile.Write(ref _current, new Fleet(before.Snapshot, pools));
            _gone.Add(pool);
        }

        Changed?.Invoke();
    }

    private Fleet Make(FleetSnapshot snapshot, Dictionary<string, Pool> before)
    {
        var pools = new Dictionary<string, Pool>(StringComparer.Ordinal);
        foreach (var wanted in snapshot.Pools)
        {
            var old = before.GetValueOrDefault(wanted.Name);
            if (old is not null && IsSameAtWork(old.Snapshot, wanted) && IsSameScope(old, snapshot))
            {
                old.Snapshot = wanted;
                pools.Add(wanted.Name, old);
            }
            else
            {
                pools.Add(wanted.Name, MakePool(snapshot, wanted, old));
            }
        }

        return new Fleet(snapshot, pools);
    }

    /// <summary>The pool that was there where it can go on, else a new one, with the replicas that stay as they are.
    /// </summary>
    private Pool MakePool(FleetSnapshot snapshot, PoolSnapshot wanted, Pool? old)
    {
        var sameEngine = old is not null && IsSameEngine(old.Snapshot, wanted);
        Replica[] replicas =
        [
            .. wanted.Replicas.Select(r =>
                (sameEngine ? old!.Replicas.FirstOrDefault(o => o.Snapshot == r) : null)
                ?? new Replica(r, wanted, _probes, _secret, _time, _log)),
        ];
        return sameEngine && IsSameScope(old!, snapshot) && TryGoOn(old!, wanted, replicas)
            ? old!
            : NewPool(snapshot, wanted, replicas);
    }

    private static bool TryGoOn(Pool pool, PoolSnapshot wanted, Replica[] replicas)
    {
        var before = pool.Replicas;
        var policy = wanted.Policy == pool.Snapshot.Policy ? null : PolicyOf(wanted);
        if (!IsSameCache(pool.Snapshot, wanted) || TokenKeying.Of(wanted, replicas).Keying != pool.Keying
            || !pool.TryTake(wanted, replicas, policy))
        {
            return false;
        }

        foreach (var replica in replicas.Except(before))
        {
            replica.Take(pool, pool.Slots.SlotOf(replica));
        }

        return true;
    }

    private Pool NewPool(FleetSnapshot snapshot, PoolSnapshot wanted, Replica[] replicas)
    {
        var keying = TokenKeying.Of(wanted, replicas);
        var settings = new PoolSettings(_time, _seed++, snapshot.Routing.PrefixBlocksMax, _outlets)
        {
            Keying = keying.Keying,
            Tokens = TokenScope.Of(wanted, _secret),
            CacheScope = snapshot.Routing.CacheScope,
        };
        var pool = new Pool(wanted, PolicyOf(wanted), replicas, settings);
        pool.BlockTold = keying.IsGuess ? block => OnBlockTold(pool, block) : null;
        for (var slot = 0; slot < replicas.Length; slot++)
        {
            replicas[slot].Take(pool, slot);
        }

        return pool;
    }

    private static RoutePolicy PolicyOf(PoolSnapshot pool) =>
        RoutePolicies.Create(pool.Policy) ?? RoutePolicies.Create(RoutingSnapshot.Default.Policy)!;

    /// <summary>Nothing changed that the pool's state or its replicas depend on.</summary>
    private static bool IsSameAtWork(PoolSnapshot a, PoolSnapshot b) =>
        IsSameEngine(a, b) && IsSameCache(a, b) && a.Policy == b.Policy && a.Replicas.SequenceEqual(b.Replicas);

    private static bool IsSameEngine(PoolSnapshot a, PoolSnapshot b) =>
        a.Model == b.Model && a.Engine == b.Engine && a.UpstreamKey == b.UpstreamKey
        && a.Timeouts.Connect == b.Timeouts.Connect;

    /// <summary>Prompts have other keys in another scope, and none of those that are known comes again.</summary>
    private static bool IsSameScope(Pool pool, FleetSnapshot snapshot) =>
        pool.Settings.CacheScope == snapshot.Routing.CacheScope;

    private static bool IsSameCache(PoolSnapshot a, PoolSnapshot b) =>
        a.KeysAreTokens == b.KeysAreTokens && a.Cache == b.Cache;
}
