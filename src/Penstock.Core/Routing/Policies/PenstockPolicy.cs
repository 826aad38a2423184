using System.Runtime.CompilerServices;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// The replica where this request, with what it does to others, costs least, in seconds of that replica's own measured
/// rates. The default; nothing in it is set by hand for a model or an accelerator.
/// </summary>
/// <remarks>
/// With <c>P</c> the uncached prompt tokens in flight at a replica, <c>u</c> this request's uncached tokens there,
/// <c>μ</c> its prefill rate and <c>Q</c> its requests in flight:
/// <list type="bullet">
/// <item>queue: what is left of <c>P/μ</c>, by how much first tokens there are late already, and the wait for a slot
/// where the engine has told a fixed number;</item>
/// <item>prefill: <c>u/μ</c>;</item>
/// <item>congestion: <c>u/μ</c> times the price that the whole fleet's backlog sets (<see cref="FleetTraffic"/>), so
/// that an idle fleet minimises this request's own delay and a saturated one the work;</item>
/// <item>slowdown: <c>u/μ</c> for each of <c>Q</c>, whose next tokens wait for this prefill, as a small share of what
/// waiting for a first token costs, and bounded, or busy replicas would get no prefill at all;</item>
/// <item>eviction: the prefill that would have to be done again for what makes room for <c>u</c>, by the chance that it
/// is asked for again at its age (<see cref="ReturnTimes"/>);</item>
/// <item>decode: the answer itself, at that replica's pace, as the same small share.</item>
/// </list>
/// docs/decisions/0006-routing-cost.md has the reasons and the measurements.
/// </remarks>
internal sealed class PenstockPolicy : RoutePolicy
{
    /// <summary>A second's delay of an answer that is being read costs that share of a second's wait for its start.
    /// </summary>
    private const double ReadingShare = 0.02;

    /// <summary>The most that all who are slowed down together count.</summary>
    private const double SlowdownMax = 2;

    /// <summary>An answer slows those beside it down by about as much as they slow it; the rest of the factor was
    /// found by trial.</summary>
    private const double DecodeWeight = 2.5;

    /// <summary>Of what would come back, the share that would still have been there.</summary>
    private const double Survival = 0.5;

    private static readonly string[] Names = ["queue", "prefill", "congestion", "slowdown", "eviction", "decode"];

    private readonly ReturnTimes _returns = new();
    private FleetTraffic _traffic;

    public override string Name => "penstock";

    public override string Unit => "s";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var answer = (double)pool.ExpectedOutput(in request);
        var price = Price(pool.Replicas, candidates, request.At);
        AddEvictions(pool, candidates, request.At);
        Add(pool.Replicas, candidates, answer, price, request.At);
    }

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind is PoolEventKind.Dispatched or PoolEventKind.PeerPrefix)
        {
            var keying = pool.Index.Keying;
            var tokens = happened.Kind == PoolEventKind.Dispatched
                ? happened.Decision.PromptTokens
                : (long)(prompt.Blocks.Length * keying.BlockLength / pool.Index.UnitsPerToken);
            _returns.See(in prompt, keying.BlockLength, tokens, happened.At);
        }
    }

    public override void Save(StateWriter to)
    {
        _returns.Save(to);
        to.Write(in _traffic);
    }

    public override void Load(ref StateReader from)
    {
        _returns.Load(ref from);
        _traffic = from.Read<FleetTraffic>();
    }

    /// <summary>All terms but the eviction's, and the cost. Calls nothing, so that everything stays in registers.
    /// </summary>
    private static void Add(
        ReadOnlySpan<ReplicaLoad> loads, Span<Candidate> candidates, double answer, double price, Instant now)
    {
        foreach (ref var candidate in candidates)
        {
            if (candidate.Ineligible != Ineligible.No)
            {
                continue;
            }

            ref readonly var load = ref loads[candidate.Replica];
            var prefill = candidate.UncachedTokens * load.PrefillSecondsEach;
            var queue = LoadRates.QueueSeconds(in load, candidate.PrefillTokens, now)
                + LoadRates.OverdueSeconds(in load, now)
                + SlotWait(in load, candidate.InFlight, answer * load.SecondsPerToken);
            var congestion = price * prefill;
            var slowdown = Math.Min(SlowdownMax, ReadingShare * candidate.InFlight) * prefill;
            var decode = DecodeWeight * ReadingShare * answer * load.SecondsPerToken;
            candidate.Cost = queue + prefill + congestion + slowdown + candidate.Terms[4] + decode;
            candidate.Terms[0] = queue;
            candidate.Terms[1] = prefill;
            candidate.Terms[2] = congestion;
            candidate.Terms[3] = slowdown;
            candidate.Terms[5] = decode;
        }
    }

    private void AddEvictions(PoolState pool, Span<Candidate> candidates, Instant now)
    {
        var loads = pool.Replicas;
        foreach (ref var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No
                && !pool.Index.HasRoom(candidate.Replica, candidate.UncachedTokens))
            {
                candidate.Terms[4] = Evicted(pool, in candidate, now) * loads[candidate.Replica].PrefillSecondsEach;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double SlotWait(in ReplicaLoad load, int inFlight, double answer)
    {
        var slots = load.Reported.Slots;
        return slots > 0 && inFlight >= slots ? (inFlight - slots + 1) * answer / slots : 0;
    }

    /// <summary>Tokens that will have to be computed again because of this request's: those that make room, as far as
    /// they come back, and those that make room for them then.</summary>
    private double Evicted(PoolState pool, in Candidate candidate, Instant now)
    {
        var victims = pool.Index.Victims(candidate.Replica, candidate.UncachedTokens, now);
        if (victims.Tokens == 0)
        {
            return 0;
        }

        var lost = Survival * _returns.Chance(victims.Unused);
        return victims.Tokens * lost / (1 - lost);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private double Price(ReadOnlySpan<ReplicaLoad> loads, ReadOnlySpan<Candidate> candidates, Instant now)
    {
        var (eligible, busy, own, all, backlog) = (0, 0, 0, 0, 0.0);
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                ref readonly var load = ref loads[candidate.Replica];
                eligible++;
                busy += candidate.PrefillTokens > 0 ? 1 : 0;
                own += load.InFlight;
                all += candidate.InFlight;
                backlog += candidate.PrefillTokens * load.PrefillSecondsEach;
            }
        }

        // What the other nodes have in flight says how much of the traffic is theirs.
        var nodes = own > 0 ? all / (double)own : 1;
        return eligible == 0 ? 0 : _traffic.Arrive(eligible, busy, now) * nodes * backlog / eligible;
    }
}
