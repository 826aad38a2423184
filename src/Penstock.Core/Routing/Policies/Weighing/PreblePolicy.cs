using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// Preble's E2 (ICLR 2025). Where less of the prompt is new than is cached somewhere, exploit: the cheapest of those
/// that hold the longest prefix; else explore: the cheapest of all. A replica's cost is the prefill of large nodes that
/// it had to compute in the last 3 minutes plus its requests in flight times the time of an answer. A node is large
/// where it has more tokens than stand before it. After 50 requests a replica in the window, a request whose holder is
/// the dearest, at 1.5 times the cheapest or more, goes to the cheapest instead.
/// </summary>
/// <remarks>
/// The tree's statistics are approximated. What a request missed where it was sent is one node, its own tokens u after
/// m cached ones, as Preble inserts it, and is charged to that replica; Preble charges a node's misses evenly to all
/// that hold it, which is the same where misses are spread evenly. Times are by the pool's measured rates and expected
/// lengths of answers, where Preble has a line fitted to Mistral-7B on one accelerator and medians. Moving a node is
/// here sending its next requests elsewhere, which is also how it comes to be on two. The cost of evictions, off in
/// Preble's code, and its rule for a single hot node, which needs times to first token per node, are left out.
/// </remarks>
internal sealed class PreblePolicy : RoutePolicy
{
    private const double RebalanceRatio = 1.5;
    private const long RebalanceAfter = 50;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(3);
    private static readonly string[] Names = ["prefill", "decode"];

    private readonly WindowCounts _computed = new(Window);
    private readonly WindowCounts _requests = new(Window);

    public override string Name => "preble";

    public override string Unit => "s";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        _computed.Advance(request.At);
        _requests.Advance(request.At);
        var answer = pool.ExpectedOutput(in request);
        long anywhere = 0;
        var cheapest = double.PositiveInfinity;
        double dearest = 0;
        foreach (ref var candidate in candidates)
        {
            ref readonly var load = ref pool.Replicas[candidate.Replica];
            candidate.Terms[0] = _computed.Of(candidate.Replica) / load.PrefillRate;
            candidate.Terms[1] = candidate.InFlight * answer * load.SecondsPerToken;
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1];
            anywhere = Math.Max(anywhere, candidate.MatchedTokens);
            if (candidate.Ineligible == Ineligible.No)
            {
                cheapest = Math.Min(cheapest, candidate.Cost);
                dearest = Math.Max(dearest, candidate.Cost);
            }
        }

        var depth = PrefixDepth.Of(candidates);
        if (depth.Prompt - anywhere < anywhere && !IsToMove(candidates, depth.Deepest, cheapest, dearest))
        {
            foreach (ref var candidate in candidates)
            {
                candidate.Cost += Rank.BehindUnless(candidate.MatchedTokens == depth.Deepest);
            }
        }
    }

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind == PoolEventKind.Dispatched)
        {
            var cached = happened.Decision.MatchedTokens;
            var missed = happened.Decision.UncachedTokens;
            var replicas = pool.Replicas.Length;
            _computed.Add(happened.Replica, replicas, missed > cached ? missed : 0, happened.At);
            _requests.Add(happened.Replica, replicas, 1, happened.At);
        }
        else if (happened.Kind == PoolEventKind.Vacated)
        {
            _computed.Forget(happened.Replica);
            _requests.Forget(happened.Replica);
        }
    }

    public override void Save(StateWriter to)
    {
        _computed.Save(to);
        _requests.Save(to);
    }

    public override void Load(ref StateReader from)
    {
        _computed.Load(ref from);
        _requests.Load(ref from);
    }

    /// <summary>Whether the cheapest holder is the dearest of all, and far dearer than the cheapest of all.</summary>
    private bool IsToMove(ReadOnlySpan<Candidate> candidates, long deepest, double cheapest, double dearest)
    {
        var holder = double.PositiveInfinity;
        var count = 0;
        foreach (ref readonly var candidate in candidates)
        {
            count += candidate.Ineligible == Ineligible.No ? 1 : 0;
            if (candidate.Ineligible == Ineligible.No && candidate.MatchedTokens == deepest)
            {
                holder = Math.Min(holder, candidate.Cost);
            }
        }

        return _requests.Sum >= RebalanceAfter * count
            && holder == dearest && dearest > cheapest && dearest >= RebalanceRatio * cheapest;
    }
}
