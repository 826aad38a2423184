using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>The choice that a policy's costs come down to.</summary>
internal static class LeastCost
{
    /// <summary>The cheapest eligible candidate and the next best; ties go to the rng.</summary>
    public static RouteDecision Choose(ReadOnlySpan<Candidate> candidates, long prompt, long output, ref Rng rng)
    {
        var (best, second, ties) = (-1, -1, 1);
        var (bestCost, secondCost) = (0.0, 0.0);
        for (var i = 0; i < candidates.Length; i++)
        {
            ref readonly var candidate = ref candidates[i];
            var cost = candidate.Cost;
            if (candidate.Ineligible != Ineligible.No || double.IsPositiveInfinity(cost))
            {
                continue;
            }

            if (best < 0 || cost < bestCost)
            {
                (second, secondCost) = (best, bestCost);
                (best, bestCost, ties) = (i, cost, 1);
            }
            else if (cost == bestCost && rng.NextInt32(++ties) == 0)
            {
                (second, secondCost) = (best, bestCost);
                best = i;
            }
            else if (second < 0 || cost < secondCost)
            {
                (second, secondCost) = (i, cost);
            }
        }

        return best < 0
            ? new RouteDecision(best, second, prompt, 0, 0, output)
            : new RouteDecision(
                best, second, prompt, candidates[best].MatchedTokens,
                Math.Min(prompt - 1, candidates[best].Match.Tokens), output);
    }
}
