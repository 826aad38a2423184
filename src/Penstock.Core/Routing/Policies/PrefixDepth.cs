namespace Penstock.Core.Routing.Policies;

/// <summary>How deep a prompt is cached among the eligible candidates.</summary>
/// <param name="Deepest">Most tokens of it that one of them is relied on to hold.</param>
/// <param name="Prompt">Tokens of the whole prompt; at least 1.</param>
internal readonly record struct PrefixDepth(long Deepest, long Prompt)
{
    /// <summary>The share of the prompt that the deepest holds, 0 to 1.</summary>
    public double Rate => Deepest / (double)Prompt;

    public static PrefixDepth Of(ReadOnlySpan<Candidate> candidates)
    {
        long deepest = 0;
        long prompt = 1;
        foreach (ref readonly var candidate in candidates)
        {
            prompt = candidate.MatchedTokens + candidate.UncachedTokens;
            if (candidate.Ineligible == Ineligible.No)
            {
                deepest = Math.Max(deepest, candidate.MatchedTokens);
            }
        }

        return new PrefixDepth(deepest, Math.Max(1, prompt));
    }
}
