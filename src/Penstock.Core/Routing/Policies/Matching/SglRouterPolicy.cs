using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// <c>cache_aware</c> of SGLang's <c>experimental/sgl-router</c> (2026). Those that hold at least 1,024 tokens of the
/// prompt are ordered by (u, P), u the uncached tokens of this request and P those that wait there, and the first
/// k = min(n, 32, max(8, ⌈0.05·n⌉)) are kept. From the first on, the winner yields to a later one whose u is within
/// 1,024 of its own where P − P′ &gt; 1,024 and P &gt; 1.5·P′. If nobody holds enough: power of two choices.
/// </summary>
/// <remarks>Equals are drawn at random, where sgl-router takes the lower id. Its queue gate and admission limits, off
/// by default, belong to admission here. P is counted from what was dispatched, not from engines' load reports.
/// </remarks>
internal sealed class SglRouterPolicy : RoutePolicy
{
    private const long MatchedMin = 1_024;
    private const long SwitchMargin = 1_024;
    private const long PressureAbsolute = 1_024;
    private const double PressureRelative = 1.5;
    private const int KeptMax = 32;
    private const int KeptMin = 8;
    private const double KeptShare = 0.05;

    private static readonly string[] Names = ["uncached", "waiting", "in_flight"];
    private static readonly string[] Units = ["tokens", "tokens", "requests"];

    public override string Name => "sgl-router";

    public override CostKind Kind => CostKind.Rank;

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        Span<int> kept = stackalloc int[KeptMax];
        var count = Keep(candidates, kept);
        if (count == 0)
        {
            PowerOfTwoPolicy.DrawTwo(candidates, ref rng);
            return;
        }

        var winner = kept[0];
        var isFirst = true;
        foreach (var next in kept[1..count])
        {
            if (candidates[next].UncachedTokens - candidates[kept[0]].UncachedTokens <= SwitchMargin
                && Math.Abs(candidates[next].UncachedTokens - candidates[winner].UncachedTokens) <= SwitchMargin
                && IsMorePressed(in candidates[winner], in candidates[next]))
            {
                winner = next;
                isFirst = false;
            }
        }

        if (!isFirst)
        {
            // Ahead of the order, which starts at zero.
            candidates[winner].Cost = -1;
        }
    }

    private static bool IsMorePressed(in Candidate a, in Candidate b) =>
        a.PrefillTokens - b.PrefillTokens > PressureAbsolute
        && a.PrefillTokens > PressureRelative * b.PrefillTokens;

    /// <summary>Gives those that hold enough their place in the order as cost, all others one behind, and returns how
    /// many of the first are kept in <paramref name="kept"/>; 0 where nobody holds enough, with no cost given.
    /// </summary>
    private static int Keep(Span<Candidate> candidates, Span<int> kept)
    {
        var spread = InFlightSpread.Of(candidates);
        var limit = Math.Min(
            Math.Min(spread.Count, KeptMax), Math.Max(KeptMin, (int)Math.Ceiling(KeptShare * spread.Count)));
        foreach (ref var candidate in candidates)
        {
            candidate.Terms[0] = candidate.UncachedTokens;
            candidate.Terms[1] = candidate.PrefillTokens;
            candidate.Terms[2] = candidate.InFlight;
        }

        if (PrefixDepth.Of(candidates).Deepest < MatchedMin)
        {
            return 0;
        }

        var count = 0;
        for (var i = 0; i < candidates.Length; i++)
        {
            ref var candidate = ref candidates[i];
            candidate.Cost = Rank.Of(candidate.UncachedTokens, candidate.PrefillTokens);
            if (candidate.MatchedTokens < MatchedMin)
            {
                candidate.Cost += Rank.Behind;
            }
            else if (candidate.Ineligible == Ineligible.No)
            {
                count = Enter(candidates, kept, count, limit, i);
            }
        }

        return count;
    }

    /// <summary>Enters a candidate into the ordered list, from which the last falls where it is full.</summary>
    private static int Enter(ReadOnlySpan<Candidate> candidates, Span<int> kept, int count, int limit, int entered)
    {
        var cost = candidates[entered].Cost;
        if (count == limit && candidates[kept[count - 1]].Cost <= cost)
        {
            return count;
        }

        var at = count < limit ? count++ : count - 1;
        while (at > 0 && candidates[kept[at - 1]].Cost > cost)
        {
            kept[at] = kept[at - 1];
            at--;
        }

        kept[at] = entered;
        return count;
    }
}
