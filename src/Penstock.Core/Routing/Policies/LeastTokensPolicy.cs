using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>The replica with the fewest tokens in flight: uncached prompt tokens still to be computed and tokens that
/// are decoding.</summary>
internal sealed class LeastTokensPolicy : RoutePolicy
{
    private static readonly string[] Names = ["prefill", "decode"];

    public override string Name => "least-tokens";

    public override string Unit => "tokens";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            candidate.Terms[0] = candidate.PrefillTokens;
            candidate.Terms[1] = candidate.DecodeTokens;
            candidate.Cost = candidate.PrefillTokens + candidate.DecodeTokens;
        }
    }
}
