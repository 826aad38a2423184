using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Matching;

/// <summary>
/// <c>cache_aware</c> of SGLang's gateway. With Q requests in flight and r the longest cached share of the prompt:
/// if max Q − min Q &gt; abs and max Q &gt; rel·min Q, the least Q; else if r &gt; θ, who holds that longest prefix;
/// else the least Q. Of equal Q the one that was sent the fewest requests since the beginning.
/// </summary>
/// <remarks>
/// <c>sglang-cache-aware</c> has the defaults of the Shepherd gateway's command line (θ 0.3, abs 64, rel 1.5);
/// <c>sglang-cache-aware-old</c> those of the router's first versions (0.5, 32, 1.0001), and its rule for a miss: the
/// replica with the smallest tree. A replica that lost its tree, or whose prompts are short, then gets every miss
/// until the imbalance rule stops it (sglang pull requests 14305 and 14532). The approximate tree of texts is the
/// pool's index, which keeps what it is sent; the size of a replica's tree is its blocks there.
/// </remarks>
internal sealed class SglangCacheAwarePolicy : RoutePolicy
{
    private static readonly string[] Names = ["in_flight", "sent", "held"];
    private static readonly string[] Units = ["requests", "requests", "blocks"];

    private readonly bool _isOld;
    private readonly double _threshold;
    private readonly int _absolute;
    private readonly double _relative;
    private long[] _sent = [];

    private SglangCacheAwarePolicy(bool isOld, double threshold, int absolute, double relative)
    {
        _isOld = isOld;
        _threshold = threshold;
        _absolute = absolute;
        _relative = relative;
    }

    public static SglangCacheAwarePolicy New => new(isOld: false, threshold: 0.3, absolute: 64, relative: 1.5);

    public static SglangCacheAwarePolicy Old => new(isOld: true, threshold: 0.5, absolute: 32, relative: 1.0001);

    public override string Name => _isOld ? "sglang-cache-aware-old" : "sglang-cache-aware";

    public override CostKind Kind => CostKind.Rank;

    public override ReadOnlySpan<string> TermNames => Names.AsSpan(0, _isOld ? 3 : 2);

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var spread = InFlightSpread.Of(candidates);
        var depth = PrefixDepth.Of(candidates);
        var isImbalanced = spread.Max - spread.Min > _absolute && spread.Max > _relative * spread.Min;
        var isHit = !isImbalanced && depth.Rate > _threshold;
        var isMiss = !isImbalanced && !isHit;
        var fewest = FewestSent(candidates);
        foreach (ref var candidate in candidates)
        {
            candidate.Terms[0] = candidate.InFlight;
            candidate.Terms[1] = SentTo(candidate.Replica) - fewest;
            candidate.Terms[2] = _isOld ? pool.Index.CountOf(candidate.Replica) : 0;
            var load = isMiss && _isOld
                ? candidate.Terms[2]
                : Rank.Of(candidate.InFlight, SentTo(candidate.Replica) - fewest);
            candidate.Cost = load + Rank.BehindUnless(!isHit || candidate.MatchedTokens == depth.Deepest);
        }
    }

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind == PoolEventKind.Dispatched)
        {
            if (_sent.Length == 0)
            {
                _sent = new long[pool.Replicas.Length];
            }

            _sent[happened.Replica]++;
        }
        else if (happened.Kind == PoolEventKind.Vacated && _sent.Length > 0)
        {
            _sent[happened.Replica] = 0;
        }
    }

    public override void Save(StateWriter to)
    {
        to.Write(_sent.Length);
        to.WriteAll<long>(_sent);
    }

    public override void Load(ref StateReader from)
    {
        _sent = new long[PolicyState.Checked(from.Read<int>())];
        from.ReadAll<long>(_sent);
    }

    private long SentTo(int replica) => _sent.Length == 0 ? 0 : _sent[replica];

    /// <summary>The least that a candidate was sent, so that what is compared stays small however long this runs.
    /// </summary>
    private long FewestSent(ReadOnlySpan<Candidate> candidates)
    {
        var fewest = long.MaxValue;
        foreach (ref readonly var candidate in candidates)
        {
            fewest = candidate.Ineligible == Ineligible.No
                ? Math.Min(fewest, SentTo(candidate.Replica)) : fewest;
        }

        return fewest;
    }
}
