using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// The Conductor of the Mooncake paper (FAST 2025): the least predicted time to first token. Where the longest prefix
/// anywhere is not more than a ratio longer than the replica's own, that is T_queue + T_prefill(L − m); else
/// T_transfer(best − m) + T_queue + T_prefill(L − best).
/// </summary>
/// <remarks>
/// T_queue is P/μ and T_prefill u/μ, of tokens that wait and measured rates, where Mooncake has a fitted model. Engines
/// behind a gateway cannot be told to fetch a prefix from one another, so a pool's policy has a transfer rate of 0:
/// every replica computes what it does not hold. What lies in a store that all share is in its own match. Early
/// rejection on predicted load is admission's, and with it the objectives, which change nothing else: the least time
/// meets one wherever any does.
/// </remarks>
/// <param name="transferRate">Tokens a second that a replica could fetch from the best holder; 0 for none.</param>
/// <param name="ratio">How many times longer the best prefix must be to be fetched.</param>
internal sealed class MooncakePolicy(double transferRate = 0, double ratio = 2) : RoutePolicy
{
    private static readonly string[] Names = ["queue", "prefill", "transfer"];

    public override string Name => "mooncake";

    public override string Unit => "s";

    public override ReadOnlySpan<string> TermNames => transferRate > 0 ? Names : Names.AsSpan(0, 2);

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var best = PrefixDepth.Of(candidates).Deepest;
        foreach (ref var candidate in candidates)
        {
            var rate = pool.Replicas[candidate.Replica].PrefillRate;
            var missing = best - candidate.MatchedTokens;
            var fetches = transferRate > 0 && missing > 0 && best > ratio * candidate.MatchedTokens;
            candidate.Terms[0] = candidate.PrefillTokens / rate;
            candidate.Terms[1] = (candidate.UncachedTokens - (fetches ? missing : 0)) / rate;
            candidate.Terms[2] = fetches ? missing / transferRate : 0;
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2];
        }
    }
}
