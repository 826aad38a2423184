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

/// <summary>One pool at work: the owner of its <see cref="PoolState"/> and of the lock under which every decision and
/// event of it happens, in one order.</summary>
/// <remarks>Thread-safe. The lock is held for a decision or an event, never across a wait.</remarks>
internal sealed class Pool : IPoolTeller
{
    private readonly Lock _lock = new();
    private readonly PoolState _state;
    private readonly TimeProvider _time;
    private readonly PoolSettings _settings;
    private readonly PoolLogWriter? _recorder;
    private PoolRouter _router;
    private PoolSlots _slots;
    private PoolOutbox? _peers;
    private PoolSnapshot _snapshot;

    public Pool(PoolSnapshot snapshot, RoutePolicy policy, IReadOnlyList<Replica> replicas, PoolSettings settings)
    {
        _snapshot = snapshot;
        _slots = PoolSlots.Of(replicas);
        _time = settings.Time;
        _settings = settings;
        _state = new PoolState(settings.Options(_slots.Count));
        _router = new PoolRouter(_state, policy, settings.Seed);
        if (settings.Outlets.Recordings is { } recordings)
        {
            _recorder = new PoolLogWriter(
                _router, Header(), recordings.Open(snapshot.Name), () => new LogTime(recordings.NowTicks(), Now));
            _router.Recorder = _recorder;
        }

        _peers = settings.Outlets.Peers?.Open(snapshot.Name, _slots.Names, settings.KeyedName(snapshot.Name));
        _slots.Tell(_router, Now, isNew: true);
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

    /// <summary>What it was made with beside its snapshot.</summary>
    public PoolSettings Settings => _settings;

    /// <summary>Learns how many tokens a block of a replica has; null where that does not matter.</summary>
    public Action<int>? BlockTold { get; set; }

    /// <summary>Those that the configuration names, in its order.</summary>
    public IReadOnlyList<Replica> Replicas => Slots.Replicas;

    /// <summary>Which replica has which slot now.</summary>
    public PoolSlots Slots => Volatile.Read(ref _slots);

    /// <summary>The instant that events of this pool are stamped with: nanoseconds of the clock's timestamp.</summary>
    public Instant Now => InstantOf(_time);

    /// <summary>At least one replica can take requests.</summary>
    public bool HasEligible
    {
        get
        {
            lock (_lock)
            {
                return ReplicaLoad.AnyEligible(_state.Replicas);
            }
        }
    }

    /// <summary>The instant that events of all pools on this clock are stamped with.</summary>
    public static Instant InstantOf(TimeProvider time) => new(time.GetElapsedTime(0).Ticks * 100);

    /// <summary>Requests in flight at one replica of this pool.</summary>
    public int InFlightAt(Replica replica)
    {
        lock (_lock)
        {
            return _slots.SlotOf(replica) is >= 0 and var slot ? _state.Replicas[slot].InFlight : 0;
        }
    }

    /// <summary>
    /// Goes on with other replicas, and another policy where one is given, and keeps what is in flight and all that is
    /// known of the replicas that stay. False, with nothing changed, where there are not slots enough. Those that are
    /// not named any more get nothing new once they drain, and leave with <see cref="TryVacate"/>.
    /// </summary>
    public bool TryTake(PoolSnapshot snapshot, IReadOnlyList<Replica> replicas, RoutePolicy? policy)
    {
        lock (_lock)
        {
            if (_slots.With(replicas) is not { } slots)
            {
                return false;
            }

            Snapshot = snapshot;
            Volatile.Write(ref _slots, slots);
            _router = policy is null ? _router : new PoolRouter(_state, policy, _settings.Seed);
            _recorder?.Continue(_router, Header());
            _peers?.Dispose();
            var keyed = _settings.KeyedName(snapshot.Name);
            Volatile.Write(ref _peers, _settings.Outlets.Peers?.Open(snapshot.Name, slots.Names, keyed));
            slots.Tell(_router, Now, isNew: false);
            for (var slot = 0; slot < slots.Count; slot++)
            {
                TellPeers(slot);
            }

            return true;
        }
    }

    /// <summary>A replica that left is gone, and its slot can be another's; false while requests are in flight there.
    /// </summary>
    public bool TryVacate(Replica replica)
    {
        lock (_lock)
        {
            var slot = _slots.SlotOf(replica);
            if (slot >= 0 && _state.Replicas[slot].InFlight > 0)
            {
                return false;
            }

            if (slot >= 0)
            {
                _router.Tell(PoolEvent.Vacated(Now, slot));
                Volatile.Write(ref _slots, _slots.Without(replica));
            }

            return true;
        }
    }

    /// <summary>Chooses a replica and takes its place there, in one step. The ticket must be ended by
    /// <see cref="End"/>, once; where it throws, there is none. Candidates that are worth keeping are copied out.
    /// </summary>
    public RouteDecision Route(in RouteRequest request, out RouteTicket ticket, out KeptCandidates candidates)
    {
        lock (_lock)
        {
            ticket = default;
            try
            {
                while (_state.TakeDue(request.At) is >= 0 and var due)
                {
                    TellPeers(due);
                }

                var decision = _router.Route(in request, out ticket);
                candidates = KeptCandidates.Of(_router, in decision, request.Slo);
                TellPeers(decision.Replica);
                return decision;
            }
            catch when (ticket != default)
            {
                _router.Tell(PoolEvent.Ended(Now, ticket, RouteEnd.Failed), request.Prompt);
                throw;
            }
        }
    }

    /// <summary>What <see cref="Route"/> decided is being carried out: those are told who learn from it.</summary>
    public void Routed(in RouteDecision decision, ReadOnlySpan<ulong> blocks)
    {
        if (Keying.AreTokens)
        {
            Slots[decision.Replica].Cache.Routed(blocks);
        }

        Volatile.Read(ref _peers)?.Routed(decision.Replica, blocks);
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
        Replica replica;
        CacheTrust trust;
        bool isLost;
        lock (_lock)
        {
            var slot = _state.ReplicaOf(ticket);
            var restarts = slot < 0 ? 0 : _state.Replicas[slot].Trust.Restarts;
            _router.Tell(in happened, in prompt);
            if (slot < 0)
            {
                return;
            }

            (replica, trust) = (_slots[slot], _state.Replicas[slot].Trust);
            isLost = trust.Restarts > restarts;
            TellPeers(slot);
            if (isLost)
            {
                _peers?.CacheLost(slot);
            }

            if (end == RouteEnd.Completed)
            {
                _peers?.Answered(slot, in prompt, in report);
            }
        }

        replica.Compared(in trust, isLost);
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
    public int SlotOf(string replica) => Slots.SlotOf(replica);

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

    private PoolLogHeader Header() => _settings.Header(Snapshot.Name, _router.Policy.Name, _slots.Names);

    /// <summary>What is known now of every replica that the configuration names; a copy.</summary>
    public ReplicaView[] Look()
    {
        lock (_lock)
        {
            return [.. _slots.Replicas.Select(r => ReplicaView.Of(r, _slots.SlotOf(r), _state))];
        }
    }
}
