using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// <c>PrefixCacheAffinityRouter</c> of Ray Serve LLM (2.49). With Q requests in flight: if max Q − min Q is above the
/// imbalance threshold (infinite by default), power of two choices. Else, if the longest cached share of the prompt is
/// at least 0.1, those that hold it; else those with the smallest trees. Of these the least Q.
/// </summary>
/// <remarks>The tree of characters in one actor is the pool's index; the size of a replica's tree is its blocks there.
/// </remarks>
internal sealed class RayPrefixPolicy(int imbalanceMax = int.MaxValue) : RoutePolicy
{
    private const double MatchMin = 0.1;

    public override string Name => "ray-prefix";

    public override string Unit => "requests";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var spread = InFlightSpread.Of(candidates);
        if (spread.Max - spread.Min > imbalanceMax)
        {
            PowerOfTwoPolicy.DrawTwo(candidates, ref rng);
            return;
        }

        var depth = PrefixDepth.Of(candidates);
        var isHit = depth.Rate >= MatchMin;
        var smallest = SmallestTree(candidates, pool);
        foreach (ref var candidate in candidates)
        {
            var isMember = isHit
                ? candidate.MatchedTokens == depth.Deepest
                : pool.Index.CountOf(candidate.Replica) == smallest;
            candidate.Cost = candidate.InFlight + Rank.BehindUnless(isMember);
        }
    }

    private static int SmallestTree(ReadOnlySpan<Candidate> candidates, PoolState pool)
    {
        var smallest = int.MaxValue;
        foreach (ref readonly var candidate in candidates)
        {
            smallest = candidate.Ineligible == Ineligible.No
                ? Math.Min(smallest, pool.Index.CountOf(candidate.Replica)) : smallest;
        }

        return smallest;
    }
}
