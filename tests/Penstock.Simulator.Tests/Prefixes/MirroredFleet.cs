using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Prefixes;

/// <summary>
/// Replicas under conversations in virtual time, routed by a pool state that sees bytes going in and usage coming out
/// and, where it listens to them, the engines' events.
/// </summary>
internal sealed class MirroredFleet : IDisposable, IPoolTeller
{
    private const ulong Scope = 42;

    private readonly EngineProfile _profile;
    private readonly EngineModel[] _engines;
    private readonly Candidate[] _candidates;
    private readonly RoutePolicy _policy = RoutePolicies.Create("penstock")!;
    private readonly Dictionary<long, Sent> _sent = [];
    private readonly HashSet<long> _cancelled = [];
    private readonly PriorityQueue<Conversation, long> _due = new();
    private readonly PrefixChainBuilder _chain = new();
    private readonly EventWire[] _wires = [];
    private ulong[] _keys = [];
    private readonly Workload _workload;
    private Rng _rng;
    private Rng _ties;
    private Instant _now;
    private long _ids;

    public MirroredFleet(EngineProfile profile, Workload workload, int replicas, ulong seed)
    {
        _profile = profile;
        _workload = workload;
        _rng = new Rng(seed);
        _ties = new Rng(seed + 1);
        _engines = [.. Enumerable.Range(0, replicas).Select(_ => NewEngine(seed))];
        _candidates = new Candidate[replicas];
        State = NewState();
        if (workload.Events is { } faults)
        {
            _wires = [.. _engines.Select((_, i) =>
                new EventWire(faults, profile, NewHoldings(i), seed + 100 + (ulong)i))];
        }

        for (var i = 0; i < workload.Conversations; i++)
        {
            Schedule(New());
        }
    }

    public PoolState State { get; private set; }

    /// <summary>What was heard of the engines; empty where nobody listens.</summary>
    public IReadOnlyList<EventWire> Wires => _wires;

    /// <summary>Predictions beside what the engine found, since the last <see cref="Forget"/>.</summary>
    public List<(int Replica, long Predicted, long Cached, int Prompt)> Compared { get; } = [];

    /// <summary>Empties an engine, as a restart does between two requests.</summary>
    public void RestartEngine(int replica)
    {
        foreach (var (id, sent) in _sent.Where(s => s.Value.Decision.Replica == replica).ToList())
        {
            End(id, sent, RouteEnd.Failed, 0);
        }

        _engines[replica] = NewEngine((ulong)_ids);
        _engines[replica].Advance(_now);
        if (_wires.Length > 0)
        {
            _wires[replica].RestartEngine(_now);
        }
    }

    /// <summary>Starts with an empty mirror of engines that are warm.</summary>
    public void RestartGateway()
    {
        for (var replica = 0; replica < _engines.Length; replica++)
        {
            foreach (var (id, sent) in _sent.Where(s => s.Value.Decision.Replica == replica).ToList())
            {
                _engines[replica].Cancel(id, _now);
                _cancelled.Add(id);
                Schedule(sent.Conversation);
            }
        }

        _sent.Clear();
        State = NewState();
        for (var replica = 0; replica < _wires.Length; replica++)
        {
            Publish(replica);
            _wires[replica].Restart(NewHoldings(replica), _now);
        }
    }

    public void Tell(in PoolEvent happened, in PromptPrefix blocks) => State.Apply(in happened, in blocks);

    public void Dispose()
    {
        _chain.Dispose();
        foreach (var wire in _wires)
        {
            wire.Dispose();
        }
    }

    public void Run(int requests)
    {
        Compared.Clear();
        while (Compared.Count < requests)
        {
            Step();
        }
    }

    private PrefixKeying Keying => _workload.KeysAreTokens
        ? new PrefixKeying(_profile.BlockSize, AreTokens: true)
        : PrefixKeying.Bytes;

    private EngineModel NewEngine(ulong seed) => new(_profile, seed, reportsCache: _workload.Events is not null);

    private ReplicaHoldings NewHoldings(int replica)
    {
        var holdings = new ReplicaHoldings(Scope, secret: 7, 4 * _profile.KvBlocks);
        holdings.Sit(this, replica, Keying, _now);
        return holdings;
    }

    /// <summary>The prompt as the pool keys it; good until the next call.</summary>
    private PromptPrefix PromptOf(Conversation conversation)
    {
        if (!_workload.KeysAreTokens)
        {
            conversation.Feed(_chain);
            return _chain.Prompt;
        }

        var tokens = conversation.Prompt;
        _keys = new ulong[tokens.Length / _profile.BlockSize];
        var key = Scope;
        for (var i = 0; i < _keys.Length; i++)
        {
            _keys[i] = key = KvKeys.Of(key, tokens.AsSpan(i * _profile.BlockSize, _profile.BlockSize));
        }

        return new PromptPrefix { Blocks = _keys, Length = tokens.Length };
    }

    private void Publish(int replica)
    {
        if (_wires.Length > 0)
        {
            _wires[replica].Publish(_engines[replica].TakeCacheEvents(), _now);
        }
    }

    private PoolState NewState()
    {
        var state = new PoolState(new PoolOptions(_engines.Length, 8_192, Keying));
        for (var replica = 0; replica < _engines.Length; replica++)
        {
            state.Apply(PoolEvent.Eligibility(_now, replica, Ineligible.No));
            if (_workload.TellsShape)
            {
                state.Apply(PoolEvent.CacheShaped(_now, replica, new CacheShape
                {
                    Kind = _profile.Cache,
                    Slots = _profile.Cache == CacheKind.Slots ? _profile.SequencesMax : 0,
                    CapacityTokens = _profile.KvTokens,
                    BlockTokens = _profile.BlockSize,
                    HostTokens = _workload.TellsHost ? _profile.HostCacheTokens : 0,
                    HasHost = !_workload.TellsHost || _profile.HostCacheTokens > 0,
                }));
            }
        }

        return state;
    }

    private void Step()
    {
        var next = _due.TryPeek(out _, out var due) ? due : long.MaxValue;
        var busiest = -1;
        for (var i = 0; i < _engines.Length; i++)
        {
            if (_engines[i].NextStepEnd is { } end && end.Nanoseconds <= next)
            {
                next = end.Nanoseconds;
                busiest = i;
            }
        }

        var heard = -1;
        for (var i = 0; i < _wires.Length; i++)
        {
            if (_wires[i].NextDue is { } at && at <= next)
            {
                next = at;
                heard = i;
            }
        }

        _now = new Instant(next);
        if (heard >= 0)
        {
            _wires[heard].Deliver(_now);
            return;
        }

        if (busiest < 0)
        {
            Send(_due.Dequeue());
            return;
        }

        foreach (var happened in _engines[busiest].Advance(_now).ToArray())
        {
            See(in happened);
        }

        Publish(busiest);
    }

    private void See(in EngineEvent happened)
    {
        // The step under way still has what was cancelled in it.
        if (_cancelled.Contains(happened.RequestId))
        {
            return;
        }

        var sent = _sent[happened.RequestId];
        switch (happened.Kind)
        {
            case EngineEventKind.Scheduled:
                sent.Cached = happened.Tokens;
                break;
            case EngineEventKind.FirstToken:
                State.Apply(PoolEvent.FirstToken(_now, sent.Ticket));
                break;
            case EngineEventKind.Finished:
                Compared.Add((sent.Decision.Replica, sent.Decision.PredictedTokens, sent.Cached, sent.Prompt));
                End(happened.RequestId, sent, RouteEnd.Completed, happened.Tokens);
                break;
        }
    }

    private void Send(Conversation conversation)
    {
        var request = new RouteRequest { At = _now, Prompt = PromptOf(conversation) };
        var decision = State.Decide(in request, _policy, _candidates, ref _ties);
        var ticket = State.Apply(PoolEvent.Dispatched(in request, in decision), request.Prompt);
        if (_wires.Length > 0)
        {
            _wires[decision.Replica].Routed(request.Prompt.Blocks);
        }

        var prompt = conversation.Prompt;
        var answer = new uint[20 + _rng.NextInt32(600)];
        for (var i = 0; i < answer.Length; i++)
        {
            answer[i] = (uint)_rng.NextUInt64();
        }

        var id = _ids++;
        _engines[decision.Replica].Advance(_now);
        uint[] tokens = [.. prompt, .. answer];
        var verdict = _engines[decision.Replica].Submit(
            new EngineRequest(
                id, prompt.Length, answer.Length, PromptChain.Of(tokens, _profile.BlockSize), tokens), _now);
        Assert.Equal(SubmitVerdict.Accepted, verdict);
        Publish(decision.Replica);
        _sent[id] = new Sent
        {
            Conversation = conversation, Decision = decision, Ticket = ticket, Prompt = prompt.Length, Answer = answer,
        };
    }

    private void End(long id, Sent sent, RouteEnd end, int output)
    {
        _sent.Remove(id);
        var asked = PromptOf(sent.Conversation);
        State.Apply(
            PoolEvent.Ended(
                _now, sent.Ticket, end, end == RouteEnd.Completed ? sent.Prompt : 0,
                end == RouteEnd.Completed ? sent.Cached : -1, output),
            asked);
        if (end == RouteEnd.Completed)
        {
            sent.Conversation.Hear(sent.Answer);
            sent.Conversation.Ask();
        }

        var goesOn = sent.Conversation.Turns <= _workload.Turns;
        Schedule(goesOn ? sent.Conversation : New());
    }

    private void Schedule(Conversation conversation)
    {
        // Most turns follow at once, as an agent's do; some only after a person came back.
        var mean = _rng.NextInt32(10) < 7 ? _workload.ThinkSeconds / 20 : _workload.ThinkSeconds;
        _due.Enqueue(conversation, _now.Nanoseconds + (long)(-mean * 1e9 * Math.Log(1 - _rng.NextDouble())));
    }

    private Conversation New() => new(_rng.NextUInt64(), _workload.SystemPrompts, _workload.SystemTokens);

    private sealed class Sent
    {
        public required Conversation Conversation { get; init; }

        public required RouteDecision Decision { get; init; }

        public required RouteTicket Ticket { get; init; }

        public required int Prompt { get; init; }

        public required uint[] Answer { get; init; }

        public int Cached { get; set; }
    }
}

/// <summary>What goes through a fleet.</summary>
internal sealed record Workload(int Conversations, int Turns, double ThinkSeconds)
{
    public int SystemPrompts { get; init; } = 4;

    public int SystemTokens { get; init; } = 1_500;

    public bool TellsShape { get; init; } = true;

    /// <summary>False: that an engine may keep something in the host's memory is all that is known.</summary>
    public bool TellsHost { get; init; } = true;

    /// <summary>Prompts are known by the engine's tokens, not by their bytes.</summary>
    public bool KeysAreTokens { get; init; }

    /// <summary>Engines publish what happens in their caches, and this becomes of it; null: they do not.</summary>
    public EventFaults? Events { get; init; }
}
