using Penstock.Core.Config;
using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Recording;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Gateway.Recording;

namespace Penstock.Gateway.Pools;

/// <summary>
/// One pool at work: the owner of its <see cref="PoolState"/> and of the lock under which every decision and event of
/// it happens, in one order.
/// </summary>
/// <remarks>Thread-safe. The lock is held for a decision or an event, never across a wait.</remarks>
internal sealed class Pool : IPoolTeller
{
    private readonly Lock _lock = new();
    private readonly PoolRouter _router;
    private readonly PoolState _state;
    private readonly TimeProvider _time;
    private readonly string[] _names;
    private readonly PoolLogWriter? _recorder;
    private readonly PoolOutbox? _peers;
    private PoolSnapshot _snapshot;

    public Pool(PoolSnapshot snapshot, RoutePolicy policy, IReadOnlyList<Replica> replicas, PoolSettings settings)
    {
        _snapshot = snapshot;
        Replicas = replicas;
        _time = settings.Time;
        Tokens = settings.Tokens;
        _state = new PoolState(settings.Options(replicas.Count));
        _router = new PoolRouter(_state, policy, settings.Seed);
        _names = [.. replicas.Select(r => r.Name)];
        if (settings.Outlets.Recordings is { } recordings)
        {
            _recorder = Record(policy, settings, recordings);
            _router.Recorder = _recorder;
        }

        _peers = settings.Outlets.Peers?.Open(snapshot.Name, _names);
    }

    /// <summary>Replaced whole by a reload that leaves the pool at work.</summary>
    public PoolSnapshot Snapshot
    {
        get => Volatile.Read(ref _snapshot);
        set => Volatile.Write(ref _snapshot, value);
    }

    public RoutePolicy Policy => _router.Policy;

    /// <summary>What its prefixes are known by.</summary>
    public PrefixKeying Keying => _state.Index.Keying;

    /// <summary>What the keys of its token blocks begin with.</summary>
    public TokenScope Tokens { get; }

    /// <summary>Learns how many tokens a block of a replica has; null where that does not matter.</summary>
    public Action<int>? BlockTold { get; set; }

    public IReadOnlyList<Replica> Replicas { get; }

    public IReadOnlyList<string> ReplicaNames => _names;

    /// <summary>The instant that events of this pool are stamped with: nanoseconds of the clock's timestamp.</summary>
    public Instant Now => InstantOf(_time);

    /// <summary>At least one replica can take requests.</summary>
    public bool HasEligible
    {
        get
        {
            lock (_lock)
            {
                foreach (ref readonly var load in _state.Replicas)
                {
                    if (load.Ineligible == Ineligible.No)
                    {
                        return true;
                    }
                }

                return false;
            }
        }
    }

    /// <summary>The instant that events of all pools on this clock are stamped with.</summary>
    public static Instant InstantOf(TimeProvider time) => new(time.GetElapsedTime(0).Ticks * 100);

    /// <summary>Requests in flight at one replica of this pool.</summary>
    public int InFlightAt(Replica replica)
    {
        var slot = Replicas.ToList().IndexOf(replica);
        lock (_lock)
        {
            return slot < 0 ? 0 : _state.Replicas[slot].InFlight;
        }
    }

    /// <summary>
    /// Chooses a replica and takes its place there, in one step. The ticket must be ended by <see cref="End"/>, once;
    /// the candidates that are worth keeping are copied out for the record.
    /// </summary>
    public RouteDecision Route(in RouteRequest request, out RouteTicket ticket, out Candidate[] candidates)
    {
        RouteDecision decision;
        lock (_lock)
        {
            decision = _router.Route(in request, out ticket);
            candidates = AttemptRecord.Keep(_router.Candidates);
            TellPeers(decision.Replica);
        }

        if (decision.Found)
        {
            if (Keying.AreTokens)
            {
                Replicas[decision.Replica].Cache.Routed(request.Prompt.Blocks);
            }

            _peers?.Routed(decision.Replica, request.Prompt.Blocks, decision.PromptTokens);
        }

        return decision;
    }

    /// <summary>What the events of candidates' engines are worth now, one after the other.</summary>
    public FeedAge[] FeedsOf(ReadOnlySpan<Candidate> candidates)
    {
        var feeds = new FeedAge[candidates.Length];
        for (var i = 0; i < feeds.Length; i++)
        {
            feeds[i] = Replicas[candidates[i].Replica].Cache.Age();
        }

        return feeds;
    }

    public void FirstToken(RouteTicket ticket)
    {
        var happened = PoolEvent.FirstToken(Now, ticket);
        lock (_lock)
        {
            _router.Tell(in happened);
            TellPeers(_state.ReplicaOf(ticket));
        }
    }

    /// <summary>Ends what <see cref="Route"/> gave a ticket for, with the prompt that it was given.</summary>
    public void End(RouteTicket ticket, RouteEnd end, in CacheReport report, in PromptPrefix prompt)
    {
        var happened = PoolEvent.Ended(
            Now, ticket, end, report.PromptTokens, report.CachedTokens, report.OutputTokens);
        lock (_lock)
        {
            var replica = _state.ReplicaOf(ticket);
            _router.Tell(in happened, in prompt);
            TellPeers(replica);
        }
    }

    /// <summary>Something happened, with the prompt or the blocks that go with it.</summary>
    public void Tell(in PoolEvent happened, in PromptPrefix prompt = default)
    {
        lock (_lock)
        {
            _router.Tell(in happened, in prompt);
        }
    }

    /// <summary>The slot of the replica of that name; −1 where there is none.</summary>
    public int SlotOf(string replica) => Array.IndexOf(_names, replica);

    /// <summary>What this gateway has in flight at a replica is now as the state says.</summary>
    private void TellPeers(int replica)
    {
        if (_peers is not null && replica >= 0)
        {
            ref readonly var load = ref _state.Replicas[replica];
            _peers.LoadChanged(replica, load.InFlight, load.PrefillTokens, load.DecodeTokens);
        }
    }

    /// <summary>Hands on what was recorded since the last time.</summary>
    public void FlushRecording()
    {
        lock (_lock)
        {
            _recorder?.Flush();
        }
    }

    /// <summary>The pool is not at work any more: its log ends here, and others hear no more of it.</summary>
    public void End()
    {
        lock (_lock)
        {
            _recorder?.End();
            _peers?.Dispose();
        }
    }

    /// <summary>Requests in flight.</summary>
    public int InFlight
    {
        get
        {
            lock (_lock)
            {
                return _state.InFlight;
            }
        }
    }

    /// <summary>Decision logs that were given up for lack of room.</summary>
    public long RecordingGaps
    {
        get
        {
            lock (_lock)
            {
                return _recorder?.Gaps ?? 0;
            }
        }
    }

    private PoolLogWriter Record(RoutePolicy policy, PoolSettings settings, DecisionFiles recordings)
    {
        var header = new PoolLogHeader
        {
            Pool = Snapshot.Name,
            Policy = policy.Name,
            Seed = settings.Seed,
            Options = settings.Options(Replicas.Count),
            Replicas = [.. _names],
            Program = ProgramName.Text,
            StartedTicks = recordings.NowTicks(),
            HasCheckpoint = false,
        };
        return new PoolLogWriter(
            _router, header, recordings.Open(Snapshot.Name), recordings.LogBytesMax, recordings.NowTicks);
    }

    /// <summary>Prefix blocks that a replica is believed to hold.</summary>
    public int RememberedBlocks(int slot)
    {
        lock (_lock)
        {
            return _state.Index.CountOf(slot);
        }
    }

    /// <summary>What is known of every replica now; a copy.</summary>
    public ReplicaLoad[] Loads()
    {
        lock (_lock)
        {
            return _state.Replicas.ToArray();
        }
    }
}

/// <summary>What a pool needs beside its snapshot.</summary>
internal sealed record PoolSettings(TimeProvider Time, ulong Seed, int PrefixBlocksMax, PoolOutlets Outlets)
{
    /// <summary>What prefixes are known by.</summary>
    public PrefixKeying Keying { get; init; } = PrefixKeying.Bytes;

    /// <summary>What the keys of token blocks begin with.</summary>
    public TokenScope Tokens { get; init; }

    public PoolOptions Options(int replicas) => new(replicas, PrefixBlocksMax, Keying);
}

/// <summary>What a decision log calls the program that wrote it.</summary>
internal static class ProgramName
{
    public static string Text { get; } =
        $"penstock {typeof(PoolState).Assembly.GetName().Version} {typeof(PoolState).Module.ModuleVersionId:N}";
}
