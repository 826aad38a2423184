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
/// trees. Objectives come with llm-d's requests; here too, and where a request has none they are 5 s and 0.1 s. The
/// draw's weight falls evenly from 1 at the least headroom to 0.01 at the most, and the cost of those who are in it is
/// the draw.
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
        var all = new Set(0, Tier.Any, ObjectivesOf(request.Slo));
        var set = AnyIn(candidates, all with { Cached = Strict }) ? all with { Cached = Strict } : all;
        var hasAbove = AnyIn(candidates, set with { Tier = Tier.Above });
        var hasBelow = AnyIn(candidates, set with { Tier = Tier.Below });
        set = set with { Tier = hasAbove && !(explores && hasBelow) ? Tier.Above : Tier.Below };
        if (set.Cached == 0 && AnyIn(candidates, set with { Cached = Loose }))
        {
            set = set with { Cached = Loose };
        }

        Draw(candidates, in set, ref rng);
    }

    private Slo ObjectivesOf(Slo request) => new(
        request.FirstToken > 0 ? request.FirstToken : firstTokenSeconds,
        request.PerToken > 0 ? request.PerToken : perTokenSeconds);

    private static double Headroom(in Candidate candidate, Slo slo) =>
        (FirstTokenWeight * (slo.FirstToken - candidate.Terms[0]))
        + (PerTokenWeight * (slo.PerToken - candidate.Terms[1]));

    private static bool IsIn(in Candidate candidate, in Set set) =>
        candidate.Ineligible == Ineligible.No
        && candidate.MatchedTokens >= set.Cached * (candidate.MatchedTokens + candidate.UncachedTokens)
        && (set.Tier == Tier.Any || Headroom(in candidate, set.Slo) >= 0 == (set.Tier == Tier.Above));

    private static bool AnyIn(ReadOnlySpan<Candidate> candidates, in Set set)
    {
        foreach (ref readonly var candidate in candidates)
        {
            if (IsIn(in candidate, in set))
            {
                return true;
            }
        }

        return false;
    }

    private static void Draw(Span<Candidate> candidates, in Set set, ref Rng rng)
    {
        var least = double.PositiveInfinity;
        var most = double.NegativeInfinity;
        foreach (ref readonly var candidate in candidates)
        {
            if (IsIn(in candidate, in set))
            {
                least = Math.Min(least, Headroom(in candidate, set.Slo));
                most = Math.Max(most, Headroom(in candidate, set.Slo));
            }
        }

        foreach (ref var candidate in candidates)
        {
            var headroom = Headroom(in candidate, set.Slo);
            if (!IsIn(in candidate, in set))
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
    private readonly record struct Set(double Cached, Tier Tier, Slo Slo);
}
