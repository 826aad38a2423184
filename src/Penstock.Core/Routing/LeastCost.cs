using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>The choice that a policy's costs come down to.</summary>
internal static class LeastCost
{
    /// <summary>The cheapest eligible candidate and the next best; ties go to the rng.</summary>
    public static RouteDecision Choose(ReadOnlySpan<Candidate> candidates, long prompt, long output, ref Rng rng)
    {
        var best = -1;
        var second = -1;
        var ties = 1;
        for (var i = 0; i < candidates.Length; i++)
        {
            if (candidates[i].Ineligible != Ineligible.No || double.IsPositiveInfinity(candidates[i].Cost))
            {
                continue;
            }

            if (best < 0 || candidates[i].Cost < candidates[best].Cost)
            {
                second = best;
                best = i;
                ties = 1;
            }
            else if (candidates[i].Cost == candidates[best].Cost && rng.NextInt32(++ties) == 0)
            {
                second = best;
                best = i;
            }
            else if (second < 0 || candidates[i].Cost < candidates[second].Cost)
            {
                second = i;
            }
        }

        return best < 0
            ? new RouteDecision(best, second, prompt, 0, 0, output)
            : new RouteDecision(
                best, second, prompt, candidates[best].MatchedTokens,
                Math.Min(prompt - 1, candidates[best].Match.Tokens), output);
    }
}
