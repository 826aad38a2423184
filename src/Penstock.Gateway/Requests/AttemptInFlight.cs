using Penstock.Core.Metering;
using Penstock.Core.Routing;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Requests;

/// <summary>
/// One attempt of a request on one replica, from the moment its place is taken until it is settled. Exactly one
/// settlement per attempt: <see cref="Open"/> says whether it is still to come.
/// </summary>
internal sealed class AttemptInFlight
{
    /// <summary>Dispatched, and neither released nor settled.</summary>
    public bool Open { get; private set; }

    /// <summary>In the journal: a settlement is owed.</summary>
    public bool Admitted { get; set; }

    public Pool Pool { get; private set; } = null!;

    public Replica Replica { get; private set; } = null!;

    public RouteTicket Ticket { get; private set; }

    public RouteDecision Decision { get; private set; }

    public AttemptRecord Record { get; private set; } = null!;

    public long DispatchedAt { get; private set; }

    /// <summary>Timestamp of the first byte of the answer; 0 before.</summary>
    public long FirstByteAt { get; set; }

    public int Status { get; set; }

    public long RequestBytes { get; set; }

    public long ResponseBytes { get; set; }

    /// <summary>What the engine reported, or the estimate.</summary>
    public TokenUsage Usage { get; set; }

    public bool UsageKnown { get; set; }

    /// <summary>The engine said how many tokens of the prompt were cached, be it none.</summary>
    public bool CachedKnown { get; set; }

    /// <summary>Tokens of the answer that were seen to pass, where the engine reported none.</summary>
    public long OutputSeen { get; set; }

    public void Begin(
        Pool pool, Replica replica, RouteTicket ticket, RouteDecision decision, AttemptRecord record, long now)
    {
        Clear();
        Open = true;
        Pool = pool;
        Replica = replica;
        Ticket = ticket;
        Decision = decision;
        Record = record;
        DispatchedAt = now;
    }

    public void Close() => Open = false;

    public void Clear()
    {
        Open = Admitted = UsageKnown = CachedKnown = false;
        FirstByteAt = RequestBytes = ResponseBytes = OutputSeen = 0;
        Status = 0;
        Usage = default;
    }
}
