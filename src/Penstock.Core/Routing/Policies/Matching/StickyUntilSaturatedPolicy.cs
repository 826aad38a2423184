using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// llm-d's "optimized baseline" (2026-08): <c>prefix-cache-affinity-filter</c> and <c>token-load-scorer</c>. Let S be
/// those that hold at least 0.80 of the prompt, and P/ρ the estimated wait, P the uncached tokens in flight and
/// ρ = 15,928 tokens a second. While the least wait in S is not more than 18 s beyond the least outside S, the choice
/// is among S, else among all: the least P, counted up to 4,194,304; with look-ahead the least P + u, u the uncached
/// tokens of this request.
/// </summary>
/// <remarks>ρ is llm-d's constant, measured for Qwen3-32B on two H100, for every replica: that it is not the replica's
/// own rate is part of what is compared. Where all hold the prefix there is no wait outside, and S is kept.</remarks>
internal sealed class StickyUntilSaturatedPolicy(bool looksAhead) : RoutePolicy
{
    private const double Affinity = 0.80;
    private const double PenaltyMaxSeconds = 18;
    private const double PeakTokensPerSecond = 15_928;
    private const long LoadMax = 4_194_304;

    private static readonly string[] Names = ["load", "uncached"];

    public override string Name => looksAhead ? "llmd-optimized-lookahead" : "llmd-optimized";

    public override string Unit => "tokens";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var isSticky = KeepsTo(candidates);
        foreach (ref var candidate in candidates)
        {
            candidate.Terms[0] = candidate.PrefillTokens;
            candidate.Terms[1] = looksAhead ? candidate.UncachedTokens : 0;
            candidate.Cost = Math.Min(LoadMax, candidate.Terms[0] + candidate.Terms[1])
                + Rank.BehindUnless(!isSticky || IsAffine(in candidate));
        }
    }

    private static bool IsAffine(in Candidate candidate) =>
        candidate.MatchedTokens >= Affinity * (candidate.MatchedTokens + candidate.UncachedTokens);

    private static bool KeepsTo(ReadOnlySpan<Candidate> candidates)
    {
        var inside = double.PositiveInfinity;
        var outside = double.PositiveInfinity;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                ref var least = ref (IsAffine(in candidate) ? ref inside : ref outside);
                least = Math.Min(least, candidate.PrefillTokens / PeakTokensPerSecond);
            }
        }

        return double.IsFinite(inside) && inside - outside <= PenaltyMaxSeconds;
    }
}
