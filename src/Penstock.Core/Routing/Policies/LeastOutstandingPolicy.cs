using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>The replica with the fewest requests in flight.</summary>
internal sealed class LeastOutstandingPolicy : RoutePolicy
{
    public override string Name => "least-outstanding";

    public override string Unit => "requests";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            candidate.Cost = candidate.InFlight;
        }
    }
}
