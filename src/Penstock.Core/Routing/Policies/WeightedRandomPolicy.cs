using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// Any eligible replica, with a chance in proportion to its weight: the one with the least E/w, where E is drawn from
/// the exponential distribution (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006: the
/// largest U^(1/w), which is the same).
/// </summary>
/// <remarks>The weight is the replica's measured prefill rate in tokens a second, where balancers elsewhere have
/// weights written down.</remarks>
internal sealed class WeightedRandomPolicy : RoutePolicy
{
    public override string Name => "weighted-random";

    public override CostKind Kind => CostKind.Draw;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            candidate.Cost = Draw(ref rng, pool.Replicas[candidate.Replica].PrefillRate);
        }
    }

    /// <summary>Of several draws the least belongs to each with a chance in proportion to its weight.</summary>
    internal static double Draw(ref Rng rng, double weight) => -Math.Log(1 - rng.NextDouble()) / weight;
}
