using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// <c>prefixaware</c> of vLLM production-stack: any of those that hold the longest prefix of the prompt, whatever their
/// load; where nobody holds any of it, any replica.
/// </summary>
/// <remarks>Its trie of text chunks, which never forgets, is the pool's index, which does.</remarks>
internal sealed class VpsPrefixPolicy : RoutePolicy
{
    public override string Name => "vps-prefix";

    public override string Unit => "tokens";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            candidate.Cost = candidate.UncachedTokens;
        }
    }
}
