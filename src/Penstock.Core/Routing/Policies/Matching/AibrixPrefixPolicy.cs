using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// <c>prefix-cache</c> of AIBrix. With Q requests in flight: if max Q − min Q &gt; 8, only those with the least Q are
/// considered. Those that hold some of the prompt are ordered by (most of it, least Q), and the first with
/// Q ≤ mean + 1·σ is taken; if there is none, the least Q.
/// </summary>
/// <remarks>The figures are the code's; its page says 16 and 2. Blocks of 128 characters in a table of 200,000 are
/// the pool's index here. AIBrix counts itself what it has in flight, as the pool does. Mean and σ are of those that
/// are considered.</remarks>
internal sealed class AibrixPrefixPolicy : RoutePolicy
{
    private const int ImbalanceMax = 8;
    private const double Deviations = 1;

    private static readonly string[] Names = ["uncached", "in_flight"];
    private static readonly string[] Units = ["tokens", "requests"];

    public override string Name => "aibrix-prefix";

    public override CostKind Kind => CostKind.Rank;

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var spread = InFlightSpread.Of(candidates);
        var isImbalanced = spread.Max - spread.Min > ImbalanceMax;
        var limit = isImbalanced ? spread.Min : spread.Mean + (Deviations * spread.Deviation);
        foreach (ref var candidate in candidates)
        {
            candidate.Terms[0] = candidate.UncachedTokens;
            candidate.Terms[1] = candidate.InFlight;
            candidate.Cost = candidate.MatchedTokens > 0 && candidate.InFlight <= limit
                ? Rank.Of(candidate.UncachedTokens, candidate.InFlight)
                : Rank.Behind + candidate.InFlight;
        }
    }
}
