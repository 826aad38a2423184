using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// The replica where this request, with what it does to others, costs least: seconds of that replica's own measured
/// rate.
/// </summary>
/// <remarks>
/// With <c>P</c> the uncached prompt tokens in flight at a replica, <c>u</c> this request's uncached tokens there,
/// <c>μ</c> its prefill rate and <c>Q</c> its requests in flight:
/// <list type="bullet">
/// <item>queue: <c>P/μ</c>, and the wait for a slot where the engine has a fixed number;</item>
/// <item>prefill: <c>u/μ</c>;</item>
/// <item>congestion: <c>u/μ</c> times what the fleet has in flight and waiting a replica;</item>
/// <item>slowdown: <c>u/μ</c> times a share of <c>Q</c>, bounded;</item>
/// <item>eviction: what has to make room for <c>u</c>, as far as it would be asked for again.</item>
/// </list>
/// </remarks>
internal sealed class PenstockPolicy : RoutePolicy
{
    /// <summary>A request that decodes counts that much of one that waits.</summary>
    private const double DecodeShare = 0.1;

    /// <summary>Requests at a replica beyond which one more is not slowed down more.</summary>
    private const int SlowedMax = 16;

    private static readonly string[] Names = ["queue", "prefill", "congestion", "slowdown", "eviction"];

    private readonly ReturnTimes _returns = new();

    public override string Name => "penstock";

    public override string Unit => "s";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var price = CongestionPrice(pool, candidates);
        var output = pool.ExpectedOutput(in request);
        foreach (ref var candidate in candidates)
        {
            ref readonly var load = ref pool.Replicas[candidate.Replica];
            var prefill = candidate.UncachedTokens / load.PrefillRate;
            candidate.Terms[0] =
                (candidate.PrefillTokens / load.PrefillRate) + SlotWait(in load, output * load.SecondsPerToken);
            candidate.Terms[1] = prefill;
            candidate.Terms[2] = price * prefill;
            candidate.Terms[3] = DecodeShare * Math.Min(candidate.InFlight, SlowedMax) * prefill;
            candidate.Terms[4] =
                Evicted(pool, candidate.Replica, candidate.UncachedTokens, request.At) / load.PrefillRate;
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2] + candidate.Terms[3]
                + candidate.Terms[4];
        }
    }

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind == PoolEventKind.Dispatched)
        {
            _returns.See(in prompt, happened.Decision.PromptTokens, happened.At);
        }
    }

    public override void Save(StateWriter to) => _returns.Save(to);

    public override void Load(ref StateReader from) => _returns.Load(ref from);

    private static double SlotWait(in ReplicaLoad load, double answer) =>
        load.Reported.Slots > 0 && load.InFlight >= load.Reported.Slots
            ? (load.InFlight - load.Reported.Slots + 1) * answer / load.Reported.Slots
            : 0;

    private double Evicted(PoolState pool, int replica, long tokens, Instant now)
    {
        var youngest = pool.Index.Victims(replica, tokens, now);
        if (youngest.Tokens == 0)
        {
            return 0;
        }

        var oldest = pool.Index.Victims(replica, 1, now);
        return youngest.Tokens * 0.5 * (_returns.At(youngest.Unused) + _returns.At(oldest.Unused));
    }

    private static double CongestionPrice(PoolState pool, ReadOnlySpan<Candidate> candidates)
    {
        double inFlight = 0;
        double waiting = 0;
        var eligible = 0;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                eligible++;
                inFlight += candidate.InFlight;
                waiting += Math.Max(0, pool.Replicas[candidate.Replica].Prefilling - 1);
            }
        }

        return eligible == 0 ? 0 : ((DecodeShare * inFlight) + waiting) / eligible;
    }
}
