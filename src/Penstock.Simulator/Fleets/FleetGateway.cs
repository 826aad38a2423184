using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Fleets;

/// <summary>One node: a router, and what it tells the others.</summary>
internal sealed class FleetGateway
{
    private readonly List<PeerHint> _hints = [];
    private readonly List<PeerHint> _answers = [];
    private readonly Instant[] _heard;
    private readonly Slo _slo;

    public FleetGateway(int node, FleetOptions options, IReadOnlyList<EngineModel> engines)
    {
        Node = node;
        _slo = options.Slo;
        _heard = new Instant[options.Gateways];
        // Beside its blocks an index remembers the ends of prompts.
        var blocks = engines.Max(e => e.Profile.KvTokens) / FleetRequest.BlockTokens * 5 / 4;
        var state = new PoolState(new PoolOptions(
            engines.Count, (int)blocks, new PrefixKeying(FleetRequest.BlockTokens, AreTokens: true)));
        Router = new PoolRouter(state, options.Policy(engines), Hash64.Combine(options.Seed, (ulong)node + 1));
        for (var replica = 0; replica < engines.Count; replica++)
        {
            Router.Tell(PoolEvent.Eligibility(default, replica, Ineligible.No));
            if (options.TellsCacheShape)
            {
                Router.Tell(PoolEvent.CacheShaped(default, replica, new CacheShape
                {
                    Kind = CacheKind.Paged,
                    CapacityTokens = engines[replica].Profile.KvTokens,
                    BlockTokens = engines[replica].Profile.BlockSize,
                }));
            }
        }
    }

    public int Node { get; }

    public PoolRouter Router { get; }

    public bool IsDead { get; set; }

    public RouteDecision Route(FleetRequest request, Instant now, out RouteTicket ticket)
    {
        var route = new RouteRequest
        {
            At = now,
            Prompt = request.Prompt,
            Key = request.Key,
            Session = request.Session,
            Class = request.Class,
            ContextCompacted = request.ContextCompacted,
            AnswersWhole = request.AnswersWhole,
            Slo = _slo,
        };
        var decision = Router.Route(in route, out ticket);
        if (decision.Found && _heard.Length > 1)
        {
            _hints.Add(new PeerHint(decision.Replica, request));
        }

        return decision;
    }

    /// <summary>A request that it sent to a replica has ended.</summary>
    public void End(FleetRequest request, int replica, in PoolEvent ended)
    {
        Router.Tell(in ended, request.Prompt);
        if (ended.End == RouteEnd.Completed && _heard.Length > 1)
        {
            _answers.Add(new PeerHint(replica, request));
        }
    }

    /// <summary>What this node has in flight now and has sent since it last said so.</summary>
    public PeerMessage Speak(Instant now)
    {
        var shares = new PeerShare[Router.State.Replicas.Length];
        for (var i = 0; i < shares.Length; i++)
        {
            ref readonly var load = ref Router.State.Replicas[i];
            shares[i] = new PeerShare(load.InFlight, load.PrefillTokens, load.DecodeTokens);
        }

        var message = new PeerMessage(Node, now, shares, [.. _hints], [.. _answers]);
        _hints.Clear();
        _answers.Clear();
        return message;
    }

    public void Hear(PeerMessage message, Instant now)
    {
        _heard[message.Node] = now;
        for (var i = 0; i < message.Shares.Length; i++)
        {
            Router.Tell(PoolEvent.PeerLoad(message.At, i, message.Node, message.Shares[i]));
        }

        foreach (var hint in message.Hints)
        {
            // Where the parts of a prompt end is not told.
            var heard = new PromptPrefix { Blocks = hint.Request.PromptBlocks };
            Router.Tell(PoolEvent.PeerPrefix(now, hint.Replica, message.Node), heard);
        }

        foreach (var (replica, request) in message.Answers)
        {
            var answered = new PromptPrefix
            {
                Blocks = request.PromptBlocks,
                Marks = request.Marks.AsSpan(Math.Max(0, request.Marks.Length - 1)),
                Length = request.PromptTokens,
            };
            Router.Tell(
                PoolEvent.PeerAnswered(now, replica, message.Node, request.PromptTokens, request.OutputTokens),
                answered);
        }
    }

    /// <summary>Forgets those that were silent for too long.</summary>
    public void Miss(Instant now, double seconds)
    {
        for (var node = 0; node < _heard.Length; node++)
        {
            if (_heard[node] != default && (now - _heard[node]).TotalSeconds > seconds)
            {
                Router.Tell(PoolEvent.PeerGone(now, node));
                _heard[node] = default;
            }
        }
    }
}

/// <summary>Where a gateway sent a prompt.</summary>
internal readonly record struct PeerHint(int Replica, FleetRequest Request);

/// <summary>What one gateway tells the others.</summary>
internal sealed record PeerMessage(int Node, Instant At, PeerShare[] Shares, PeerHint[] Hints, PeerHint[] Answers);
