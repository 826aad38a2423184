using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing.Policies.Hashing;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// <c>kvaware</c> of vLLM production-stack: who holds the longest prefix, if that is at least L − 2,000 of the prompt's
/// L tokens; else the replica that got the fewest requests in the last 60 seconds.
/// </summary>
/// <remarks>What is cached where comes from the pool's index, not from an LMCache controller. A prompt of fewer than
/// 2,000 tokens counts as a hit only where something of it is cached. Requests are counted as they are sent;
/// production-stack reads the same figures as often as every 30 seconds.</remarks>
internal sealed class VpsKvPolicy : RoutePolicy
{
    private const long UncachedMax = 2_000;

    private static readonly string[] Names = ["uncached", "sent"];
    private static readonly string[] Units = ["tokens", "requests"];

    private readonly WindowCounts _sent = new(VpsSessionPolicy.Window);

    public override string Name => "vps-kv";

    public override CostKind Kind => CostKind.Rank;

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        _sent.Advance(request.At);
        var depth = PrefixDepth.Of(candidates);
        var isHit = depth.Deepest > 0 && depth.Deepest >= depth.Prompt - UncachedMax;
        foreach (ref var candidate in candidates)
        {
            candidate.Terms[0] = candidate.UncachedTokens;
            candidate.Terms[1] = _sent.Of(candidate.Replica);
            candidate.Cost = isHit && candidate.MatchedTokens == depth.Deepest ? -1 : candidate.Terms[1];
        }
    }

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind == PoolEventKind.Dispatched)
        {
            _sent.Add(happened.Replica, pool.Replicas.Length, 1, happened.At);
        }
        else if (happened.Kind == PoolEventKind.Vacated)
        {
            _sent.Forget(happened.Replica);
        }
    }

    public override void Save(StateWriter to) => _sent.Save(to);

    public override void Load(ref StateReader from) => _sent.Load(ref from);
}
