using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// <c>kv_cache_aware</c> of TensorRT-LLM's serve router: the most m/⌈L⌉ − Q/64, with m of the prompt's L tokens cached,
/// ⌈L⌉ rounded up to blocks of 32, and Q requests in flight over the largest batch.
/// </summary>
/// <remarks>The cost is 1 less that. Equals are drawn at random, where TensorRT-LLM goes round. Its router learns of
/// the cache by polling events after each request; here that is the pool's index.</remarks>
internal sealed class TrtllmKvPolicy : RoutePolicy
{
    private const long BlockTokens = 32;
    private const double BatchMax = 64;

    private static readonly string[] Names = ["uncached", "load"];

    public override string Name => "trtllm-kv";

    public override string Unit => "score";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            var prompt = candidate.MatchedTokens + candidate.UncachedTokens;
            var padded = (prompt + BlockTokens - 1) / BlockTokens * BlockTokens;
            candidate.Terms[0] = 1 - (candidate.MatchedTokens / (double)padded);
            candidate.Terms[1] = candidate.InFlight / BatchMax;
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1];
        }
    }
}
