using Microsoft.Extensions.Logging;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>
/// What this gateway has to tell the others: the loads of its replicas as they are, and what happened lately. Written
/// by the pools, read by every stream.
/// </summary>
/// <remarks>Thread-safe. Bounded: <see cref="PeerFormat.ReplicasMax"/> replicas, and the ring. A name is never given
/// back, for streams know it by its number: where replicas come and go under ever new names, one day none is left.
/// </remarks>
/// <param name="log">Told of that, once.</param>
internal sealed class PeerOutbox(ILogger? log = null)
{
    private readonly Lock _naming = new();
    private readonly Dictionary<(string Pool, string Replica), OutboxReplica> _known = [];
    private readonly OutboxReplica[] _replicas = new OutboxReplica[PeerFormat.ReplicasMax];
    private int _count;
    private bool _isSpent;

    public RouteRing Ring { get; } = new();

    /// <summary>What is counted of all that goes out and comes in.</summary>
    public ClusterCounters Counters { get; } = new();

    /// <summary>All replicas named so far, in the order of their ids; the list only grows.</summary>
    public ReadOnlySpan<OutboxReplica> Replicas => _replicas.AsSpan(0, Volatile.Read(ref _count));

    /// <summary>
    /// Where one pool reports. Pools of the same name, such as those before and after a reload, add up. Disposing it
    /// ends what the pool had in flight.
    /// </summary>
    /// <param name="pool">The pool's name.</param>
    /// <param name="replicas">The names of its replicas, in the order of their slots; empty where there is none.
    /// </param>
    /// <param name="prompts">The name under which its prompts are told; null: its own.</param>
    public PoolOutbox Open(string pool, IReadOnlyList<string> replicas, string? prompts = null)
    {
        lock (_naming)
        {
            var named = Find(pool, replicas);
            return new PoolOutbox(Ring, named, prompts is null ? named : Find(prompts, replicas));
        }
    }

    private OutboxReplica?[] Find(string pool, IReadOnlyList<string> replicas) =>
        [.. replicas.Select(r => r.Length == 0 ? null : Find(pool, r))];

    private OutboxReplica? Find(string pool, string name)
    {
        if (_known.TryGetValue((pool, name), out var known))
        {
            return known;
        }

        if (_count == PeerFormat.ReplicasMax)
        {
            Counters.Unlist(1);
            TellSpent();
            return null;
        }

        var replica = new OutboxReplica(_count, pool, name);
        _known.Add((pool, name), replica);
        _replicas[_count] = replica;
        Volatile.Write(ref _count, _count + 1);
        return replica;
    }

    /// <summary>Does not wait: the caller may hold a pool's lock.</summary>
    private void TellSpent()
    {
        if (!_isSpent && log is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static l => ClusterLog.NamesSpent(l, PeerFormat.ReplicasMax), log, preferLocal: false);
        }

        _isSpent = true;
    }
}

/// <summary>
/// One replica and what this gateway has in flight there. Values are added to before the version grows, so a reader
/// that takes the version first, and later finds another, knows to look again.
/// </summary>
internal sealed class OutboxReplica(int id, string pool, string name)
{
    private long _inFlight;
    private long _prefillTokens;
    private long _decodeTokens;
    private long _version;

    /// <summary>From 0, without gaps: its number on every stream.</summary>
    public int Id { get; } = id;

    public string Pool { get; } = pool;

    public string Name { get; } = name;

    /// <summary>Grows with every change; 0 where there was none.</summary>
    public long Version => Volatile.Read(ref _version);

    public long InFlight => Volatile.Read(ref _inFlight);

    public long PrefillTokens => Volatile.Read(ref _prefillTokens);

    public long DecodeTokens => Volatile.Read(ref _decodeTokens);

    public void Add(long inFlight, long prefillTokens, long decodeTokens)
    {
        Interlocked.Add(ref _inFlight, inFlight);
        Interlocked.Add(ref _prefillTokens, prefillTokens);
        Interlocked.Add(ref _decodeTokens, decodeTokens);
        Interlocked.Increment(ref _version);
    }
}
