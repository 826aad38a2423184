using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Workloads;

namespace Penstock.Simulator.Fleets;

/// <summary>One request on its way.</summary>
internal sealed class Flight(
    int id, FleetRequest request, FleetGateway gateway, RouteDecision decision, RouteTicket ticket, Instant sentAt)
{
    public int Id => id;

    public FleetRequest Request => request;

    public FleetGateway Gateway => gateway;

    public RouteDecision Decision => decision;

    public RouteTicket Ticket => ticket;

    public Instant SentAt => sentAt;

    public Instant? FirstTokenAt { get; set; }

    public Instant EndedAt { get; set; }

    public RouteEnd? End { get; set; }

    public int CachedTokens { get; set; }

    public FleetResult Result() => new()
    {
        Replica = decision.Replica,
        SentAt = sentAt.Seconds,
        PromptTokens = request.PromptTokens,
        OutputTokens = request.OutputTokens,
        PredictedTokens = decision.PredictedTokens,
        CachedTokens = CachedTokens,
        IsCompleted = End == RouteEnd.Completed,
        FirstToken = FirstTokenAt is { } first ? (first - sentAt).TotalSeconds : double.NaN,
        Duration = (EndedAt - sentAt).TotalSeconds,
    };
}
