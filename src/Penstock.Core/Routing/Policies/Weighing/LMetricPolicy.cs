using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// LMetric (arXiv 2603.15202): the least (P + u)·(N + 1), with P the uncached tokens that wait at a replica, u those of
/// this request, and N the requests there. Without the + 1, as published, an idle replica costs nothing however much it
/// would have to compute.
/// </summary>
/// <remarks>N is what the engine reported to run and to wait, or what gateways have in flight there where that is more:
/// a report is older than a dispatch.</remarks>
internal sealed class LMetricPolicy : RoutePolicy
{
    private static readonly string[] Names = ["prefill", "load"];
    private static readonly string[] Units = ["tokens", "requests"];

    public override string Name => "lmetric";

    public override CostKind Kind => CostKind.Product;

    public override string Unit => "tokens·requests";

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            var view = EngineView.Of(in candidate, in pool.Replicas[candidate.Replica]);
            candidate.Terms[0] = candidate.PrefillTokens + candidate.UncachedTokens;
            candidate.Terms[1] = Math.Max(candidate.InFlight, view.Running + view.Waiting);
            candidate.Cost = candidate.Terms[0] * (candidate.Terms[1] + 1);
        }
    }
}
