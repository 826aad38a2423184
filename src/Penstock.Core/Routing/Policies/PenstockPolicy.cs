using System.Runtime.CompilerServices;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// The replica where this request, with what it does to others, costs least, in seconds of that replica's own measured
/// rates. The default; nothing in it is set by hand for a model or an accelerator.
/// </summary>
/// <remarks>
/// With <c>P</c> the uncached prompt tokens in flight at a replica, <c>u</c> this request's uncached tokens there,
/// <c>μ</c> its prefill rate and <c>Q</c> its requests in flight:
/// <list type="bullet">
/// <item>queue: what is left of <c>P/μ</c>, by how much first tokens there are late already, and the wait for a slot
/// where the engine has told a fixed number;</item>
/// <item>prefill: <c>u/μ</c>, and the way back of what is cached in a lower tier (<see cref="RestoreCosts"/>);</item>
/// <item>congestion: <c>u/μ</c> times the price that the whole fleet's backlog sets (<see cref="FleetTraffic"/>), so
/// that an idle fleet minimises this request's own delay and a saturated one the work;</item>
/// <item>slowdown: <c>u/μ</c> for each of <c>Q</c>, whose next tokens wait for this prefill, as a small share of what
/// waiting for a first token costs, and bounded, or busy replicas would get no prefill at all;</item>
/// <item>eviction: the prefill that would have to be done again for what makes room for <c>u</c>, by the chance that it
/// is asked for again at its age (<see cref="ReturnTimes"/>);</item>
/// <item>decode: the answer itself beside the <c>Q</c> others, and what each of them takes longer because of it
/// (<see cref="DecodeRates"/>), as the same small share;</item>
/// <item>copy: less than nothing, where the prefix that is computed here a second time is one that many conversations
/// begin with (<see cref="PrefixHeat"/>): what those that come will have of it, at most what it costs.</item>
/// </list>
/// docs/decisions/0006-routing-cost.md has the reasons and the measurements.
/// </remarks>
internal sealed class PenstockPolicy : RoutePolicy
{
    /// <summary>A second's delay of an answer that is being read costs that share of a second's wait for its start.
    /// </summary>
    private const double ReadingShare = 0.02;

    /// <summary>The most that all who are slowed down together count.</summary>
    private const double SlowdownMax = 2;

    /// <summary>Of what would come back, the share that would still have been there.</summary>
    private const double Survival = 0.5;

    private static readonly string[] Names =
        ["queue", "prefill", "congestion", "slowdown", "eviction", "decode", "copy"];

    /// <summary>A replica that has so much of a prefix has it: its length in tokens is an estimate.</summary>
    private const double HolderShare = 0.9;

    private readonly ReturnTimes _returns = new();
    private readonly PrefixHeat _heat = new();
    private FleetTraffic _traffic;

    public override string Name => "penstock";

    public override string Unit => "s";

    public override ReadOnlySpan<string> TermNames => Names;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var answer = (double)pool.ExpectedOutput(in request);
        var price = _traffic.Price(pool.Sums, request.At);
        AddEvictions(pool, candidates, request.At);
        Add(pool.Replicas, candidates, pool.Decoding, answer, price, request.At);
        var hot = _heat.Longest(request.Prompt.Blocks, request.At);
        if (hot.Rate > 0 && request.Prompt.Length > 0)
        {
            var share = hot.Blocks * pool.Index.Keying.BlockLength / (double)request.Prompt.Length;
            AddCopies(pool.Replicas, candidates, share, hot.Rate);
        }

        if (request.Slo.IsSet)
        {
            WithinSlo.Prefer(request.Slo, ReadingShare * answer, pool, candidates);
        }
    }

    public override TokenTimes? Expect(in Candidate candidate, PoolState pool) =>
        WithinSlo.Expected(in candidate, in pool.Replicas[candidate.Replica], pool.Decoding);

    public override void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
        if (happened.Kind is PoolEventKind.Dispatched or PoolEventKind.PeerPrefix)
        {
            var keying = pool.Index.Keying;
            var tokens = happened.Class == RequestClass.Compaction ? 0
                : happened.Kind == PoolEventKind.Dispatched ? happened.Decision.PromptTokens
                : pool.Index.TokensOf(
                    new PromptPrefix { Length = (long)prompt.Blocks.Length * keying.BlockLength }, happened.Teller);
            if (!_returns.See(in prompt, keying.BlockLength, tokens, happened.At))
            {
                _heat.See(prompt.Blocks, happened.At);
            }
        }
    }

    public override void Save(StateWriter to)
    {
        _returns.Save(to);
        _heat.Save(to);
        to.Write(in _traffic);
    }

    public override void Load(ref StateReader from)
    {
        _returns.Load(ref from);
        _heat.Load(ref from);
        _traffic = from.Read<FleetTraffic>();
    }

    /// <summary>All terms but the eviction's, and the cost. Calls nothing, so that everything stays in registers.
    /// </summary>
    private static void Add(
        ReadOnlySpan<ReplicaLoad> loads, Span<Candidate> candidates, DecodeLine decoding, double answer, double price,
        Instant now)
    {
        foreach (ref var candidate in candidates)
        {
            if (candidate.Ineligible != Ineligible.No)
            {
                continue;
            }

            ref readonly var load = ref loads[candidate.Replica];
            var prefill = candidate.UncachedTokens * load.PrefillSecondsEach;
            var own = prefill + Restoring(in candidate, in load);
            var queue = LoadRates.QueueSeconds(in load, candidate.PrefillTokens, now)
                + LoadRates.OverdueSeconds(in load, now)
                + SlotWait(in load, candidate.InFlight, answer * load.SecondsPerToken);
            var congestion = price * prefill;
            var slowdown = Math.Min(SlowdownMax, ReadingShare * candidate.InFlight) * prefill;
            var token = load.DecodeFactor * (decoding.Alone + (2 * decoding.Each * candidate.InFlight));
            var decode = ReadingShare * answer * token;
            candidate.Cost = queue + own + congestion + slowdown + candidate.Terms[4] + decode;
            candidate.Terms[0] = queue;
            candidate.Terms[1] = own;
            candidate.Terms[2] = congestion;
            candidate.Terms[3] = slowdown;
            candidate.Terms[5] = decode;
        }
    }

    private void AddEvictions(PoolState pool, Span<Candidate> candidates, Instant now)
    {
        var loads = pool.Replicas;
        foreach (ref var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No
                && candidate.UncachedTokens > candidate.Match.Room)
            {
                candidate.Terms[4] = Evicted(pool, in candidate, now) * loads[candidate.Replica].PrefillSecondsEach;
            }
        }
    }

    /// <summary>
    /// What a copy is worth: each conversation that will begin with the prefix, as far as this replica is to take its
    /// share of them, is spared half of what the holder with the least to do is busier than this replica, since the
    /// difference ends as they share.
    /// </summary>
    /// <param name="loads">The replicas; one without a cache keeps no copy.</param>
    /// <param name="candidates">The same as candidates.</param>
    /// <param name="share">Of the prompt, the part that is hot.</param>
    /// <param name="rate">Conversations a second that begin with it.</param>
    private static void AddCopies(
        ReadOnlySpan<ReplicaLoad> loads, Span<Candidate> candidates, double share, double rate)
    {
        // By its share and not by the bytes of a token elsewhere: prompts differ in these by more than holders may.
        var tokens = share * (candidates[0].MatchedTokens + candidates[0].UncachedTokens);
        var (holders, least) = (0, double.PositiveInfinity);
        foreach (ref readonly var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No && candidate.MatchedTokens >= HolderShare * tokens)
            {
                holders++;
                least = Math.Min(least, Load(in candidate, tokens));
            }
        }

        if (holders == 0)
        {
            return;
        }

        var served = PrefixHeat.Span * rate / (holders + 1);
        foreach (ref var candidate in candidates)
        {
            var missing = tokens - candidate.MatchedTokens;
            if (candidate.Ineligible != Ineligible.No || missing <= (1 - HolderShare) * tokens
                || loads[candidate.Replica].Shape.Kind == CacheKind.Off)
            {
                continue;
            }

            var spared = served * Math.Max(0, least - Load(in candidate, tokens)) / 2;
            var cost = missing / candidate.UncachedTokens
                * (candidate.Terms[1] + candidate.Terms[2] + candidate.Terms[3] + candidate.Terms[4]);
            candidate.Terms[6] = -Math.Min(spared, cost);
            candidate.Cost += candidate.Terms[6];
        }
    }

    /// <summary>What a request costs at a replica that holds so many tokens of it, but for the rest of its prefill.
    /// </summary>
    private static double Load(in Candidate candidate, double held)
    {
        var prompt = candidate.MatchedTokens + candidate.UncachedTokens;
        var rest = candidate.UncachedTokens == 0
            ? 0
            : Math.Clamp((prompt - held) / candidate.UncachedTokens, 0, 1);
        return candidate.Terms[0] + (rest * candidate.Terms[3]) + candidate.Terms[5];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Restoring(in Candidate candidate, in ReplicaLoad load) =>
        candidate.Match.Tokens == candidate.Match.Device ? 0 : Restored(in candidate, in load);

    /// <summary>Seconds in which what is cached elsewhere than on the device comes back there.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double Restored(in Candidate candidate, in ReplicaLoad load) =>
        load.Shape.Restoring.Tokens(in candidate.Match) * candidate.MatchedTokens / candidate.Match.Tokens
            * load.PrefillSecondsEach;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double SlotWait(in ReplicaLoad load, int inFlight, double answer)
    {
        var slots = load.Reported.Slots;
        return slots > 0 && inFlight >= slots ? (inFlight - slots + 1) * answer / slots : 0;
    }

    /// <summary>Tokens that will have to be computed again because of this request's: those that make room, as far as
    /// they come back, and those that make room for them then.</summary>
    private double Evicted(PoolState pool, in Candidate candidate, Instant now)
    {
        var victims = pool.Index.Victims(candidate.Replica, candidate.UncachedTokens, now);
        if (victims.Tokens == 0)
        {
            return 0;
        }

        var lost = Survival * _returns.Chance(victims.Unused);
        return victims.Tokens * lost / (1 - lost);
    }
}
