using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// Selective pushing of SkyWalker (EuroSys 2026, arXiv 2505.24095) in one region: a request is pushed only to a replica
/// where none waits, W = 0; of these to the one that holds most of the prompt, then to the one with the fewest requests
/// in flight.
/// </summary>
/// <remarks>Where requests wait everywhere, SkyWalker holds the request at the balancer. A policy cannot hold one, so
/// it goes where the fewest wait. Overflow to other regions is the choice of a pool. W is as of the engine's last
/// report.</remarks>
internal sealed class SkyWalkerPolicy : RoutePolicy
{
    private static readonly string[] Names = ["waiting", "uncached", "in_flight"];
    private static readonly string[] Units = ["requests", "tokens", "requests"];

    public override string Name => "skywalker";

    public override ReadOnlySpan<string> TermNames => Names;

    public override CostKind Kind => CostKind.Rank;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            var view = EngineView.Of(in candidate, in pool.Replicas[candidate.Replica]);
            candidate.Terms[0] = view.Waiting;
            candidate.Terms[1] = candidate.UncachedTokens;
            candidate.Terms[2] = candidate.InFlight;
            candidate.Cost = view.Waiting == 0
                ? Rank.Of(candidate.UncachedTokens, candidate.InFlight)
                : Rank.Behind + Rank.Of(view.Waiting, candidate.InFlight);
        }
    }
}
