using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>What happened to a pool.</summary>
public enum PoolEventKind : byte
{
    Dispatched,
    FirstToken,
    Ended,
    Eligibility,
    LoadReported,
    CacheShaped,
    CacheLost,
    CacheStored,
    CacheRemoved,
    CacheResident,
    PeerLoad,
    PeerPrefix,
    PeerGone,
    PeerHeard,
    PeerAnswered,
    Vacated,
    Named,
}

/// <summary>How a dispatched request ended, as far as the pool state is concerned.</summary>
public enum RouteEnd : byte
{
    Completed,
    Cancelled,
    Failed,
}

/// <summary>
/// One thing that happened to a pool, as a value: with the prompts of the dispatches and the blocks of the cache
/// events, the sequence of these and the decisions is all there is to know about how a pool state came to be.
/// </summary>
/// <remarks>Unmanaged, so that a log can take it as it is. Which members mean something depends on the kind.</remarks>
public readonly record struct PoolEvent
{
    public PoolEventKind Kind { get; private init; }

    public Instant At { get; private init; }

    public int Replica { get; private init; }

    /// <summary>The ticket of the request concerned.</summary>
    public RouteTicket Ticket { get; private init; }

    public RouteEnd End { get; private init; }

    public Ineligible Ineligible { get; private init; }

    public int InFlightMax { get; private init; }

    /// <summary>The decision that a dispatch carries out.</summary>
    public RouteDecision Decision { get; private init; }

    /// <summary>Whose request is dispatched, and of which session; 0 where it is not known.</summary>
    public ulong Key { get; private init; }

    public ulong Session { get; private init; }

    public RequestClass Class { get; private init; }

    public bool ContextCompacted { get; private init; }

    /// <summary>No first token will be told of this dispatch.</summary>
    public bool AnswersWhole { get; private init; }

    /// <summary>What the engine said of a request that ended.</summary>
    public CacheReport Report { get; private init; }

    public EngineLoad Load { get; private init; }

    public CacheShape Shape { get; private init; }

    public CacheTier Tier { get; private init; }

    /// <summary>Tokens that the engine holds in a tier.</summary>
    public long Tokens { get; private init; }

    /// <summary>A hash of the replica's name.</summary>
    public ulong Name { get; private init; }

    /// <summary>Another node, by a small number that is its own while it is a member.</summary>
    public int Node { get; private init; }

    /// <summary>That node, where it stands for the keys whose requests it tells of.</summary>
    internal ulong Teller => Hash64.Combine(ulong.MaxValue, (ulong)Node);

    public PeerShare Share { get; private init; }

    /// <summary>A decision is carried out. Goes with the request's prompt.</summary>
    public static PoolEvent Dispatched(in RouteRequest request, in RouteDecision decision) =>
        new()
        {
            Kind = PoolEventKind.Dispatched,
            At = request.At,
            Replica = decision.Replica,
            Decision = decision,
            Key = request.Key,
            Session = request.Session,
            Class = request.Class,
            ContextCompacted = request.ContextCompacted,
            AnswersWhole = request.AnswersWhole,
        };

    public static PoolEvent FirstToken(Instant at, RouteTicket ticket) =>
        new() { Kind = PoolEventKind.FirstToken, At = at, Ticket = ticket };

    /// <summary>The end of a dispatched request. Goes with the same prompt as its dispatch.</summary>
    public static PoolEvent Ended(
        Instant at, RouteTicket ticket, RouteEnd end, long promptTokens = 0, long cachedTokens = -1, long output = 0) =>
        new()
        {
            Kind = PoolEventKind.Ended,
            At = at,
            Ticket = ticket,
            End = end,
            Report = new CacheReport(end == RouteEnd.Completed, promptTokens, cachedTokens, output),
        };

    /// <summary>Whether a replica may be chosen, and how many requests it may have in flight.</summary>
    public static PoolEvent Eligibility(
        Instant at, int replica, Ineligible ineligible, int inFlightMax = int.MaxValue) =>
        new()
        {
            Kind = PoolEventKind.Eligibility,
            At = at,
            Replica = replica,
            Ineligible = ineligible,
            InFlightMax = inFlightMax,
        };

    public static PoolEvent LoadReported(Instant at, int replica, in EngineLoad load) =>
        new() { Kind = PoolEventKind.LoadReported, At = at, Replica = replica, Load = load };

    /// <summary>The replica's cache is known to have this shape.</summary>
    public static PoolEvent CacheShaped(Instant at, int replica, in CacheShape shape) =>
        new() { Kind = PoolEventKind.CacheShaped, At = at, Replica = replica, Shape = shape };

    /// <summary>The replica is known to have lost its cache (it restarted, or was told to).</summary>
    public static PoolEvent CacheLost(Instant at, int replica) =>
        new() { Kind = PoolEventKind.CacheLost, At = at, Replica = replica };

    /// <summary>The engine stored blocks in a tier. Goes with their keys.</summary>
    public static PoolEvent CacheStored(Instant at, int replica, CacheTier tier) =>
        new() { Kind = PoolEventKind.CacheStored, At = at, Replica = replica, Tier = tier };

    /// <summary>The engine dropped blocks from a tier. Goes with their keys.</summary>
    public static PoolEvent CacheRemoved(Instant at, int replica, CacheTier tier) =>
        new() { Kind = PoolEventKind.CacheRemoved, At = at, Replica = replica, Tier = tier };

    /// <summary>The engine's events add up to so many tokens held in a tier.</summary>
    public static PoolEvent CacheResident(Instant at, int replica, CacheTier tier, long tokens) =>
        new() { Kind = PoolEventKind.CacheResident, At = at, Replica = replica, Tier = tier, Tokens = tokens };

    /// <summary>The replica of a slot is gone for good, with nothing in flight there: all that was known of it is
    /// forgotten, and the slot can be another's.</summary>
    public static PoolEvent Vacated(Instant at, int replica) =>
        new() { Kind = PoolEventKind.Vacated, At = at, Replica = replica };

    /// <summary>A replica has the slot; its name has this hash, which is the same at every node and after a restart.
    /// </summary>
    public static PoolEvent Named(Instant at, int replica, ulong name) =>
        new() { Kind = PoolEventKind.Named, At = at, Replica = replica, Name = name };

    /// <summary>What another node has in flight at a replica, all of it. <paramref name="at"/> is when it was so.
    /// </summary>
    public static PoolEvent PeerLoad(Instant at, int replica, int node, in PeerShare share) =>
        new() { Kind = PoolEventKind.PeerLoad, At = at, Replica = replica, Node = node, Share = share };

    /// <summary>Another node sent a prompt to a replica. Goes with the keys of its blocks.</summary>
    public static PoolEvent PeerPrefix(Instant at, int replica, int node) =>
        new() { Kind = PoolEventKind.PeerPrefix, At = at, Replica = replica, Node = node };

    /// <summary>A prompt that another node sent to a replica was answered. Goes with the keys of its blocks and the
    /// mark at its end.</summary>
    public static PoolEvent PeerAnswered(Instant at, int replica, int node, long promptTokens, long output) =>
        new()
        {
            Kind = PoolEventKind.PeerAnswered,
            At = at,
            Replica = replica,
            Node = node,
            Report = new CacheReport(true, promptTokens, -1, output),
        };

    /// <summary>All that another node said of its load was still so at <paramref name="at"/>.</summary>
    public static PoolEvent PeerHeard(Instant at, int node) =>
        new() { Kind = PoolEventKind.PeerHeard, At = at, Node = node };

    /// <summary>Another node is gone, and with it what it had in flight.</summary>
    public static PoolEvent PeerGone(Instant at, int node) =>
        new() { Kind = PoolEventKind.PeerGone, At = at, Node = node };
}

/// <summary>What an engine reported of its load.</summary>
/// <param name="Running">Requests that it works on.</param>
/// <param name="Waiting">Requests that wait in it.</param>
/// <param name="KvUsage">Share of its KV cache in use, 0 to 1; NaN where it does not say.</param>
/// <param name="Slots">Requests that it serves at a time; 0 where that is not known.</param>
public readonly record struct EngineLoad(int Running, int Waiting, double KvUsage, int Slots);

/// <summary>What one other node has in flight at a replica.</summary>
/// <param name="InFlight">Requests.</param>
/// <param name="PrefillTokens">Uncached prompt tokens whose first token has not come.</param>
/// <param name="DecodeTokens">Tokens of requests that are decoding.</param>
public readonly record struct PeerShare(int InFlight, long PrefillTokens, long DecodeTokens);

/// <summary>
/// The claim of one dispatched request on its replica. The generation makes a second release, or one after the slot
/// was given to another request, do nothing.
/// </summary>
public readonly record struct RouteTicket(int Slot, int Generation);
