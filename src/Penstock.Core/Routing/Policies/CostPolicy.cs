using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// The replica where this request costs the fleet the least time, in seconds of that replica's own measured rates:
/// the prefill queued before it, its own uncached prefill, a price on that work set by how congested the fleet is,
/// and the decoding that follows, slowed by those
/// that decode there already.
/// </summary>
/// <remarks>
/// With <c>P</c> the uncached prompt tokens in flight at a replica, <c>u</c> this request's uncached tokens there,
/// <c>μ</c> its prefill rate, <c>Q̄</c> the fleet's mean of requests in flight and <c>W̄</c> of requests that wait:
/// cost = P/μ + u/μ + (0.1·Q̄ + W̄)·u/μ + decode. A fleet that is idle minimises this request's own delay; one that is
/// saturated minimises the work added, since every avoidable token delays all that wait. Where an engine serves a
/// fixed number of requests at a time, those beyond it wait for a whole answer, which the queue term counts.
/// </remarks>
internal sealed class CostPolicy : RoutePolicy
{
    /// <summary>
    /// By how much one more request slows a step for all of them: d1/d0 and the KV read of about 2,000 tokens in the
    /// linear step models fitted to published vLLM measurements (InferenceX silicon rows: 0.7 % and 0.4 % for
    /// Qwen3-32B on 2×H100).
    /// </summary>
    private const double Slowdown = 0.01;

    private static readonly string[] Names = ["queue", "prefill", "congestion", "decode"];

    public override string Name => "cost";

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
            var answer = output * load.SecondsPerToken;
            candidate.Terms[0] = (candidate.PrefillTokens / load.PrefillRate) + SlotWait(in load, answer);
            candidate.Terms[1] = prefill;
            candidate.Terms[2] = price * prefill;
            candidate.Terms[3] = answer * (1 + (Slowdown * candidate.InFlight));
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2] + candidate.Terms[3];
        }
    }

    private static double SlotWait(in ReplicaLoad load, double answer) =>
        load.Reported.Slots > 0 && load.InFlight >= load.Reported.Slots
            ? (load.InFlight - load.Reported.Slots + 1) * answer / load.Reported.Slots
            : 0;

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
                waiting += pool.Replicas[candidate.Replica].Reported.Waiting;
            }
        }

        return eligible == 0 ? 0 : ((0.1 * inFlight) + waiting) / eligible;
    }
}
