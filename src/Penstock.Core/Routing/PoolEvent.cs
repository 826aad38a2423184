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
    CacheLost,
}

/// <summary>How a dispatched request ended, as far as the pool state is concerned.</summary>
public enum RouteEnd : byte
{
    Completed,
    Cancelled,
    Failed,
}

/// <summary>
/// One thing that happened to a pool, as a value: with the chains of the dispatches, the sequence of these and the
/// decisions is all there is to know about how a pool state came to be.
/// </summary>
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

    public long PromptBytes { get; private init; }

    /// <summary>Tokens that the engine said the prompt had; 0 where it did not.</summary>
    public long PromptTokens { get; private init; }

    /// <summary>Of these, cached; −1 where it did not say.</summary>
    public long CachedTokens { get; private init; }

    public long OutputTokens { get; private init; }

    public int Running { get; private init; }

    public int Waiting { get; private init; }

    public int Slots { get; private init; }

    public double KvUsage { get; private init; }

    public static PoolEvent Dispatched(Instant at, in RouteDecision decision, long promptBytes) =>
        new()
        {
            Kind = PoolEventKind.Dispatched,
            At = at,
            Replica = decision.Replica,
            Decision = decision,
            PromptBytes = promptBytes,
        };

    public static PoolEvent FirstToken(Instant at, RouteTicket ticket) =>
        new() { Kind = PoolEventKind.FirstToken, At = at, Ticket = ticket };

    /// <summary>The end of a dispatched request, with what the engine reported of its tokens where it did.</summary>
    public static PoolEvent Ended(
        Instant at, RouteTicket ticket, RouteEnd end, long promptTokens = 0, long cachedTokens = -1, long output = 0) =>
        new()
        {
            Kind = PoolEventKind.Ended,
            At = at,
            Ticket = ticket,
            End = end,
            PromptTokens = promptTokens,
            CachedTokens = cachedTokens,
            OutputTokens = output,
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

    public static PoolEvent LoadReported(
        Instant at, int replica, int running, int waiting, double kvUsage, int slots) =>
        new()
        {
            Kind = PoolEventKind.LoadReported,
            At = at,
            Replica = replica,
            Running = running,
            Waiting = waiting,
            KvUsage = kvUsage,
            Slots = slots,
        };

    /// <summary>The replica is known to have lost its cache (it restarted).</summary>
    public static PoolEvent CacheLost(Instant at, int replica) =>
        new() { Kind = PoolEventKind.CacheLost, At = at, Replica = replica };
}

/// <summary>
/// The claim of one dispatched request on its replica. The generation makes a second release, or one after the slot
/// was given to another request, do nothing.
/// </summary>
public readonly record struct RouteTicket(int Slot, int Generation);
