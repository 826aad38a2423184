using System.Buffers;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

/// <summary>A pool state with all replicas eligible, a policy and a seeded rng, and short words for what happens.
/// </summary>
internal sealed class PoolRig
{
    private readonly Candidate[] _candidates;
    private readonly PoolOptions _options;
    private readonly Dictionary<RouteTicket, (ulong[]? Chain, long Bytes)> _sent = [];
    private RoutePolicy _policy;
    private Rng _rng;
    private double _taught;

    public PoolRig(string policy, int replicas, ulong seed = 1, int blocksPerReplica = 256)
        : this(RoutePolicies.Create(policy)!, replicas, seed, blocksPerReplica)
    {
    }

    public PoolRig(RoutePolicy policy, int replicas, ulong seed = 1, int blocksPerReplica = 256)
    {
        _policy = policy;
        _rng = new Rng(seed);
        _candidates = new Candidate[replicas];
        _options = new PoolOptions(replicas, blocksPerReplica);
        State = new PoolState(_options);
        for (var replica = 0; replica < replicas; replica++)
        {
            SetEligible(replica, Ineligible.No);
        }
    }

    public PoolState State { get; private set; }

    public ReadOnlySpan<Candidate> Candidates => _candidates;

    public ReplicaLoad this[int replica] => State.Replicas[replica];

    public static Instant At(double seconds) => Instant.FromSeconds(seconds);

    /// <summary>The chain of a prompt that begins with <paramref name="name"/>'s blocks.</summary>
    public static ulong[] Chain(ulong name, int blocks)
    {
        var rng = new Rng(name);
        return [.. Enumerable.Range(0, blocks).Select(_ => rng.NextUInt64())];
    }

    public void SetEligible(int replica, Ineligible ineligible, int inFlightMax = int.MaxValue) =>
        Tell(PoolEvent.Eligibility(default, replica, ineligible, inFlightMax));

    public RouteDecision Decide(
        long tokens = 1_000, ulong[]? chain = null, int[]? tried = null, long outputMax = 0, double at = 0,
        ulong session = 0, Slo slo = default)
    {
        var request = new RouteRequest
        {
            At = At(at),
            Session = session,
            Slo = slo,
            Prompt = Prompt(chain, (long)(tokens * State.Index.UnitsPerToken)),
            Tried = tried,
            OutputTokensMax = outputMax,
        };
        return Decide(in request);
    }

    public RouteDecision Decide(in RouteRequest request) =>
        State.Decide(in request, _policy, _candidates, ref _rng);

    /// <summary>Sends a request of that many uncached tokens to a replica of the test's choice.</summary>
    public RouteTicket SendTo(
        int replica, long tokens = 1_000, double at = 0, ulong[]? chain = null, long? bytes = null,
        ulong session = 0, bool whole = false)
    {
        var decision = new RouteDecision(replica, -1, tokens, 0, 0, 200);
        return Dispatch(in decision, at, chain, bytes ?? tokens * 4, session, whole);
    }

    /// <summary>Makes the replica hold a chain of 64-token blocks, with nothing in flight there.</summary>
    public void Hold(int replica, ulong[] chain, int blocks) => End(SendTo(replica, chain: chain[..blocks]));

    /// <summary>Carries a decision out.</summary>
    public RouteTicket Dispatch(
        in RouteDecision decision, double at, ulong[]? chain, long bytes, ulong session = 0, bool whole = false)
    {
        var request = new RouteRequest
        {
            At = At(at), Prompt = Prompt(chain, bytes), Session = session, AnswersWhole = whole,
        };
        var ticket = Tell(PoolEvent.Dispatched(in request, in decision), request.Prompt);
        _sent[ticket] = (chain, bytes);
        return ticket;
    }

    /// <summary>All is written and read again, as a replay from the middle of a history does.</summary>
    public void SaveAndLoad()
    {
        var saved = new ArrayBufferWriter<byte>();
        var to = new StateWriter(saved);
        State.Save(to);
        _policy.Save(to);
        State = new PoolState(_options);
        _policy = RoutePolicies.Create(_policy.Name)!;
        var from = new StateReader(saved.WrittenSpan);
        State.Load(ref from);
        _policy.Load(ref from);
    }

    /// <summary>Another policy takes over, which knows of nothing that happened before.</summary>
    public void ChangePolicy(string policy) => _policy = RoutePolicies.Create(policy)!;

    public RouteTicket Tell(in PoolEvent happened, in PromptPrefix prompt = default)
    {
        var ticket = State.Apply(in happened, in prompt);
        _policy.Happened(in happened, in prompt, State);
        return ticket;
    }

    public void Report(
        int replica, int running, int waiting, double usage = double.NaN, int slots = 0, double at = 0) =>
        Tell(PoolEvent.LoadReported(At(at), replica, new EngineLoad(running, waiting, usage, slots)));

    public void FirstToken(RouteTicket ticket, double at) => Tell(PoolEvent.FirstToken(At(at), ticket));

    public void End(
        RouteTicket ticket, RouteEnd end = RouteEnd.Completed, double at = 0, long prompt = 0, long output = 0,
        long cached = -1)
    {
        var (chain, bytes) = _sent.GetValueOrDefault(ticket);
        Tell(PoolEvent.Ended(At(at), ticket, end, prompt, cached, output), Prompt(chain, bytes));
    }

    public static PromptPrefix Prompt(ulong[]? chain, long length) => new() { Blocks = chain, Length = length };

    /// <summary>Makes the state believe these rates of a replica, by answers that show them.</summary>
    public void Teach(int replica, double prefillRate, double secondsPerToken, int answers = 60)
    {
        for (var i = 0; i < answers; i++)
        {
            var tokens = i % 2 == 0 ? 40_000 : 4_000;
            var ticket = SendTo(replica, tokens, _taught);
            FirstToken(ticket, _taught += tokens / prefillRate);
            End(ticket, RouteEnd.Completed, _taught += 100 * secondsPerToken, output: 101);
        }
    }

    /// <summary>How often each replica is chosen in that many decisions.</summary>
    public int[] Count(int decisions, int[]? tried = null)
    {
        var counts = new int[_candidates.Length];
        for (var i = 0; i < decisions; i++)
        {
            counts[Decide(tried: tried).Replica]++;
        }

        return counts;
    }
}
