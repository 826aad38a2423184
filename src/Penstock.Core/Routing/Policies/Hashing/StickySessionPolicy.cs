using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>
/// The replica that last served the session, for 300 seconds after it was last used (the session table of llm-d's
/// <c>session-affinity</c>, and of load balancers since long before); else the one with the fewest requests in flight.
/// </summary>
/// <remarks>The table is the pool's own. A session whose context was compacted begins anew, wherever that is.</remarks>
internal sealed class StickySessionPolicy : RoutePolicy
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(300);

    public override string Name => "sticky-session";

    public override string Unit => "requests";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var home = request.ContextCompacted ? -1 : pool.Sessions.Find(request.Session, request.At, Kept);
        foreach (ref var candidate in candidates)
        {
            candidate.Cost = candidate.InFlight + Rank.BehindUnless(candidate.Replica == home);
        }
    }
}
