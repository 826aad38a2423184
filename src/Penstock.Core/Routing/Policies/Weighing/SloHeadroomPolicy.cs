using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// llm-d's predicted-latency profile. Headroom h = 0.8·(TTFT objective − predicted) + 0.2·(TPOT objective − predicted).
/// Those that hold at least 0.99 of the prompt, if any; of these the tier with h ≥ 0 with a chance of 0.99, else the
/// one below; of these those that hold at least 0.80, if any; of these the least h, by a weighted draw. Where all are
/// below, the least deficit.
/// </summary>
/// <remarks>
/// The predictor is the pool's measured rates, (P + u)/μ and seconds per token, where llm-d trains gradient-boosted
/// trees. Objectives come with llm-d's requests; here they are fixed at 5 s and 0.1 s. The draw's weight falls evenly
/// from 1 at the least headroom to 0.01 at the most, and the cost of those who are in it is the draw.
/// </remarks>
internal sealed class SloHeadroomPolicy(double firstTokenSeconds = 5, double perTokenSeconds = 0.1) : RoutePolicy
{
    private const double Strict = 0.99;
    private const double Loose = 0.80;
    private const double Exploration = 0.01;
    private const double FirstTokenWeight = 0.8;
    private const double PerTokenWeight = 0.2;
    private const double WeightMin = 0.01;

    private static readonly string[] Names = ["first_token", "per_token"];
    private static readonly string[] Units = ["s", "s"];

    public override string Name => "llmd-slo";

    public override ReadOnlySpan<string> TermNames => Names;

    public override CostKind Kind => CostKind.Draw;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            ref readonly var load = ref pool.Replicas[candidate.Replica];
            candidate.Terms[0] = (candidate.PrefillTokens + candidate.UncachedTokens) / load.PrefillRate;
            candidate.Terms[1] = load.SecondsPerToken;
        }

        var explores = rng.NextDouble() < Exploration;
        var set = new Set(AnyHolds(candidates, Strict, Tier.Any) ? Strict : 0, Tier.Any);
        var hasAbove = AnyHolds(candidates, set.Cached, Tier.Above);
        var hasBelow = AnyHolds(candidates, set.Cached, Tier.Below);
        set = set with { Tier = hasAbove && !(explores && hasBelow) ? Tier.Above : Tier.Below };
        if (set.Cached == 0 && AnyHolds(candidates, Loose, set.Tier))
        {
            set = set with { Cached = Loose };
        }

        Draw(candidates, set, ref rng);
    }

    private double Headroom(in Candidate candidate) =>
        (FirstTokenWeight * (firstTokenSeconds - candidate.Terms[0]))
        + (PerTokenWeight * (perTokenSeconds - candidate.Terms[1]));

    private bool IsIn(in Candidate candidate, Set set) =>
        candidate.Ineligible == Ineligible.No
        && candidate.MatchedTokens >= set.Cached * (candidate.MatchedTokens + candidate.UncachedTokens)
        && (set.Tier == Tier.Any || Headroom(in candidate) >= 0 == (set.Tier == Tier.Above));

    private bool AnyHolds(ReadOnlySpan<Candidate> candidates, double cached, Tier tier)
    {
        foreach (ref readonly var candidate in candidates)
        {
            if (IsIn(in candidate, new Set(cached, tier)))
            {
                return true;
            }
        }

        return false;
    }

    private void Draw(Span<Candidate> candidates, Set set, ref Rng rng)
    {
        var least = double.PositiveInfinity;
        var most = double.NegativeInfinity;
        foreach (ref readonly var candidate in candidates)
        {
            if (IsIn(in candidate, set))
            {
                least = Math.Min(least, Headroom(in candidate));
                most = Math.Max(most, Headroom(in candidate));
            }
        }

        foreach (ref var candidate in candidates)
        {
            var headroom = Headroom(in candidate);
            if (!IsIn(in candidate, set))
            {
                candidate.Cost = Rank.Behind - headroom;
            }
            else if (set.Tier == Tier.Below)
            {
                candidate.Cost = -headroom;
            }
            else
            {
                var span = most > least ? (headroom - least) / (most - least) : 0;
                candidate.Cost = WeightedRandomPolicy.Draw(ref rng, 1 - ((1 - WeightMin) * span));
            }
        }
    }

    private enum Tier
    {
        Any,
        Above,
        Below,
    }

    /// <summary>Those that hold at least a share of the prompt and are in a tier of headroom.</summary>
    private readonly record struct Set(double Cached, Tier Tier);
}
