using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// What is known of one replica: what this node has in flight there (exact), what the engine last reported, the
/// rates that its answers showed, and the trust in what is believed of its cache.
/// </summary>
public struct ReplicaLoad
{
    /// <summary>Prompt tokens a second, before anything was measured.</summary>
    internal const double PrefillRateAtFirst = 8_000;

    /// <summary>Seconds a token of an answer, before anything was measured.</summary>
    internal const double SecondsPerTokenAtFirst = 0.02;

    // What every decision reads comes first, so that it lies in two or three cache lines.

    /// <summary>May be chosen: known, healthy or on probation, and not draining.</summary>
    public Ineligible Ineligible;

    /// <summary>Requests that it may have in flight: a few while it is on probation.</summary>
    public int InFlightMax;

    /// <summary>Requests of this node that are dispatched and not ended.</summary>
    public int InFlight;

    /// <summary>Requests among them whose first token has not come, as far as that is known: of an answer in one piece
    /// it is taken to have come when it was due.</summary>
    public int Prefilling;

    /// <summary>Of these, the ones whose first token will be told of.</summary>
    internal int Awaited;

    /// <summary>Uncached prompt tokens of those.</summary>
    public long PrefillTokens;

    /// <summary>Tokens of requests that are decoding: their prompts, and half of the answers that are expected.
    /// </summary>
    public long DecodeTokens;

    /// <summary>The inverse of <see cref="PrefillRate"/>, seconds, so that deciding does not divide.</summary>
    internal double PrefillSecondsEach;

    /// <summary>Measured seconds per token of one answer.</summary>
    public double SecondsPerToken;

    /// <summary>How many times as long a token of an answer takes as elsewhere in the pool.</summary>
    internal double DecodeFactor;

    /// <summary>When the first tokens of those that are <see cref="Awaited"/> are expected, summed, in microseconds.
    /// </summary>
    internal long DueMicroseconds;

    /// <summary>Seconds from one first token to the next while there was one to wait for; moving average.</summary>
    internal double SecondsPerFirstToken;

    /// <summary>Since when there is always one of this node's prefills in flight there.</summary>
    internal Instant PrefillingSince;

    /// <summary>When the last first token came from there, at whichever node, or was taken to have come.</summary>
    internal Instant LastFirstTokenAt;

    /// <summary>When the engine last showed that it moves on: by a first token, or the end of an answer in one piece.
    /// </summary>
    internal Instant LastMovedAt;

    /// <summary>When the engine last reported its load; null where it never did.</summary>
    public Instant? ReportedAt;

    /// <summary>What it reported, from all gateways.</summary>
    public EngineLoad Reported;

    /// <summary>How far what is believed of its cache is relied on.</summary>
    public CacheTrust Trust;

    /// <summary>Requests of this node that were dispatched there since it reported.</summary>
    public int DispatchedSince;

    /// <summary>Measured prompt tokens per second, uncached ones only.</summary>
    public double PrefillRate;

    /// <summary>How it differs from the pool's, and when that was last measured.</summary>
    internal ReplicaPace Pace;
    internal Instant PrefillsAt;

    /// <summary>The same for the tokens of answers.</summary>
    internal ReplicaPace DecodePace;
    internal Instant DecodesAt;

    /// <summary>Answers that were completed, on which the rates rest.</summary>
    public long Measured;

    /// <summary>Uncached prompt tokens a second that this node sends there; moving average over some seconds.</summary>
    public double SentRate;

    /// <summary>When <see cref="SentRate"/> was last moved on.</summary>
    public Instant SentAt;

    /// <summary>Tokens that came to its cache lately, by this node; see <see cref="UntoldTokens"/>.</summary>
    internal double CameTokens;

    /// <summary>When <see cref="CameTokens"/> was last moved on.</summary>
    internal Instant CameAt;

    /// <summary>Prompt tokens of those that are <see cref="Prefilling"/>, cached or not.</summary>
    internal long PrefillPromptTokens;

    /// <summary>A hash of its name, by which it is known at other nodes and times too; 0 where none was told.
    /// </summary>
    internal ulong Name;

    /// <summary>The shape of its cache.</summary>
    public CacheShape Shape;

    /// <summary>Prompt tokens that the index predicted to be cached, of completed requests that reported theirs.
    /// </summary>
    public long PredictedTokens;

    /// <summary>Prompt tokens of the same requests that the engine found in its cache.</summary>
    public long CachedTokens;

    /// <summary>
    /// One comparison of what the index predicted with what the engine found. Where it shows that the engine lost all,
    /// the index forgets it too; predictions from before such a loss was seen say nothing new.
    /// </summary>
    internal void Compare(in TicketTable.InFlight request, PrefixIndex index, long cached)
    {
        PredictedTokens += request.PredictedTokens;
        CachedTokens += cached;
        ref readonly var claim = ref request.Claim;
        if (Shape.Kind == CacheKind.Off || !index.IsCurrent(request.Replica, in claim))
        {
            return;
        }

        // What a store that all share was said to have is judged by itself: who said so may be another one.
        var shared = index.HasSharedStore ? Math.Max(0, request.PredictedTokens - claim.Predicted) : 0;
        var own = request.PredictedTokens - shared;
        index.LearnShared(own, shared, cached);
        var found = shared > 0 ? Math.Min(cached, own) : cached;
        var clears = claim.DoubtedSince == index.DoubtedSince(request.Replica);
        var source = new CompareSource(request.Key, claim.BasisHash);
        Trust = Trust.After(own, claim.Safe, found, claim.Fresh, clears, source);
        index.Distrust(request.Replica, Trust.Level == TrustLevel.Untrusted);
        if (Trust.HasRestarted)
        {
            index.Clear(request.Replica);
            Trust = Trust.Forgotten();
        }
        else
        {
            index.Doubt(request.Replica, Trust.IsInDoubt ? request.DispatchedAt : null);
        }
    }

    /// <summary>At least one of them may be chosen.</summary>
    public static bool AnyEligible(ReadOnlySpan<ReplicaLoad> replicas)
    {
        foreach (ref readonly var load in replicas)
        {
            if (load.Ineligible == Ineligible.No)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What is known before anything was seen.</summary>
    internal static ReplicaLoad New => new()
    {
        Ineligible = Ineligible.NotHealthy,
        Reported = new EngineLoad(0, 0, double.NaN, 0),
        PrefillRate = PrefillRateAtFirst,
        PrefillSecondsEach = 1 / PrefillRateAtFirst,
        SecondsPerToken = SecondsPerTokenAtFirst,
        DecodeFactor = 1,
        Trust = new CacheTrust(),
    };
}
