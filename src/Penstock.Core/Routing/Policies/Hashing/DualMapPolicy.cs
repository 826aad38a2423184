using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>
/// DualMap (arXiv 2602.06502): two hashes of the prefix name two replicas. The one that holds more of the prompt is
/// taken, unless its predicted time to first token (P + u)/μ is beyond the objective; then the one with less prefill
/// waiting, P/μ. P are the uncached tokens in flight there, u those of this request, μ the measured prefill rate.
/// </summary>
/// <remarks>
/// The two rings are <see cref="Rendezvous"/> orders with different seeds. The prefix begins at 256 tokens and doubles
/// while it carries more than 2/n of the recent requests, which two of n replicas could not take: this
/// implementation's form of the paper's adaptive length (<see cref="PrefixHeat"/>). The objective is the request's own,
/// 5 s where it has none. Requests that wait in an engine cannot be moved to the other replica of their pair, as the
/// paper's scheduler does. A prompt without a whole block gets two replicas at random.
/// </remarks>
internal sealed class DualMapPolicy(double objectiveSeconds = 5) : RoutePolicy
{
    private const int FirstTokens = 256;
    private const ulong OtherRing = 0x9E37_79B9_7F4A_7C15;

    private static readonly string[] Names = ["queue", "prefill"];
    private readonly PrefixHeat _heat = new();

    public override string Name => "dualmap";

    public override CostKind Kind => CostKind.Rank;

    public override string Unit => "s";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var key = _heat.Key(request.Prompt.Blocks, PromptKey.Blocks(pool, FirstTokens), Pair(pool));
        key = key == 0 ? rng.NextUInt64() : key;
        foreach (ref var candidate in candidates)
        {
            var rate = pool.Replicas[candidate.Replica].PrefillRate;
            candidate.Terms[0] = candidate.PrefillTokens / rate;
            candidate.Terms[1] = candidate.UncachedTokens / rate;
            candidate.Cost = Rank.Behind + candidate.Terms[0] + candidate.Terms[1];
        }

        var first = First(pool, candidates, key, not: -1);
        var second = First(pool, candidates, key ^ OtherRing, not: first);
        if (first >= 0)
        {
            var objective = request.Slo.FirstToken > 0 ? request.Slo.FirstToken : objectiveSeconds;
            Compare(candidates, first, second < 0 ? first : second, objective);
        }
    }

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind == PoolEventKind.Dispatched)
        {
            _heat.Count(prompt.Blocks, PromptKey.Blocks(pool, FirstTokens), Pair(pool));
        }
    }

    public override void Save(StateWriter to) => _heat.Save(to);

    public override void Load(ref StateReader from) => _heat.Load(ref from);

    /// <summary>The share of the requests that two replicas can take.</summary>
    private static double Pair(PoolState pool)
    {
        var count = 0;
        foreach (ref readonly var load in pool.Replicas)
        {
            count += load.Ineligible == Ineligible.No ? 1 : 0;
        }

        return 2.0 / Math.Max(1, count);
    }

    private static int First(PoolState pool, ReadOnlySpan<Candidate> candidates, ulong key, int not)
    {
        var first = -1;
        var least = double.PositiveInfinity;
        for (var i = 0; i < candidates.Length; i++)
        {
            if (candidates[i].Ineligible == Ineligible.No && i != not
                && Rendezvous.Place(key, candidates[i].Replica, pool) is var place && place < least)
            {
                (first, least) = (i, place);
            }
        }

        return first;
    }

    private static void Compare(Span<Candidate> candidates, int one, int other, double objective)
    {
        ref var a = ref candidates[one];
        ref var b = ref candidates[other];
        var holder = a.MatchedTokens >= b.MatchedTokens ? a : b;
        var isByCache = a.MatchedTokens != b.MatchedTokens
            && holder.Terms[0] + holder.Terms[1] <= objective;

        // Below zero seconds the one that holds more, so that the other, in seconds, comes after it.
        a.Cost = isByCache && holder.Replica == a.Replica ? -1 : a.Terms[0];
        b.Cost = isByCache && holder.Replica == b.Replica ? -1 : b.Terms[0];
    }
}
