using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// The weighted scorers of the Gateway API Inference Extension and llm-d: the most of
/// w_q·(max W − W)/(max W − min W) + w_k·(1 − K) + w_p·m/L, with W requests waiting in the engine (all equal counts as
/// 1), K its KV usage, and m of the prompt's L tokens cached.
/// </summary>
/// <remarks>
/// <c>llmd-weighted</c> has the weights of llm-d's chart, 2, 2 and 3; <c>gie-weighted</c> the older 1, 1 and 1;
/// <c>llmd-precise</c> those of the chart, with a token counting 1.0 in the accelerator and 0.8 in a slower tier. The
/// first two look at the first 131,072 tokens of a prompt. The cost is what is missing to the highest score. Their
/// producers of prefixes (an LRU of 31,250 blocks a replica; KV events with speculative entries of 2 s) are the pool's
/// index, which is the same under all three. W and K are what the engine last reported (<see cref="EngineView"/>), and
/// not corrected by what was sent since: that this makes a herd is known of them.
/// </remarks>
internal sealed class WeightedScorePolicy : RoutePolicy
{
    private const long PrefixMax = 2_048 * 64;
    private const double SlowTier = 0.8;

    private static readonly string[] Names = ["queue", "kv", "prefix"];

    private readonly double _queue;
    private readonly double _usage;
    private readonly double _prefix;
    private readonly bool _isPrecise;

    private WeightedScorePolicy(string name, double queue, double usage, double prefix, bool isPrecise)
    {
        Name = name;
        _queue = queue;
        _usage = usage;
        _prefix = prefix;
        _isPrecise = isPrecise;
    }

    public static WeightedScorePolicy Llmd => new("llmd-weighted", 2, 2, 3, isPrecise: false);

    public static WeightedScorePolicy LlmdPrecise => new("llmd-precise", 2, 2, 3, isPrecise: true);

    public static WeightedScorePolicy Gie => new("gie-weighted", 1, 1, 1, isPrecise: false);

    public override string Name { get; }

    public override string Unit => "score";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var min = int.MaxValue;
        var max = 0;
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                var waiting = EngineView.Of(in candidate, in pool.Replicas[candidate.Replica]).Waiting;
                min = Math.Min(min, waiting);
                max = Math.Max(max, waiting);
            }
        }

        foreach (ref var candidate in candidates)
        {
            var view = EngineView.Of(in candidate, in pool.Replicas[candidate.Replica]);
            candidate.Terms[0] = max > min ? _queue * (view.Waiting - min) / (max - min) : 0;
            candidate.Terms[1] = _usage * view.KvUsage;
            candidate.Terms[2] = _prefix * (1 - Cached(in candidate));
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2];
        }
    }

    private double Cached(in Candidate candidate)
    {
        var prompt = candidate.MatchedTokens + candidate.UncachedTokens;
        return _isPrecise
            ? PrefixCredit.Of(in candidate, 1, SlowTier, SlowTier, SlowTier) / prompt
            : Math.Min(PrefixMax, candidate.MatchedTokens) / (double)Math.Min(PrefixMax, prompt);
    }
}
