using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>How busy a fleet is with prompts, as this node sees it when it decides: moving averages over some tens of
/// seconds.</summary>
internal record struct FleetTraffic
{
    /// <summary>Seconds over which is averaged.</summary>
    private const double Span = 30;

    /// <summary>Share of the time that nobody can do without, however busy the fleet looks.</summary>
    private const double IdleMin = 0.05;

    private double _busy;
    private double _arrivals;
    private double _own;
    private double _all;
    private Instant _at;

    /// <summary>
    /// A request comes. Returns what a second of work costs those that come after it, in seconds of their waiting: as
    /// long as a replica does not run empty each of them is delayed by it, so it is the number of arrivals there while
    /// its backlog drains and more comes in (the busy period of an M/G/1 queue: arrivals a second over the idle share,
    /// times the seconds of backlog).
    /// </summary>
    public double Price(in FleetSums fleet, Instant now)
    {
        if (fleet.Eligible == 0)
        {
            return 0;
        }

        var kept = Math.Exp(-Math.Max(0, (now - _at).TotalSeconds) / Span);
        _busy += (1 - kept) * ((fleet.Prefilling / (double)fleet.Eligible) - _busy);
        _arrivals = (_arrivals * kept) + (1 / Span);
        _own += (1 - kept) * (fleet.InFlightHere - _own);
        _all += (1 - kept) * (fleet.InFlight - _all);
        _at = now;

        // What the other nodes have in flight says how much of the traffic is theirs; over a while, and with a request
        // of doubt, since a node that has nothing in flight when it decides, or seldom, has its share all the same.
        var nodes = Math.Max(1, (_all + 1) / (_own + 1));
        var perReplica = nodes * _arrivals / fleet.Eligible;
        return perReplica / Math.Max(IdleMin, 1 - _busy) * fleet.BacklogSeconds / fleet.Eligible;
    }
}
