using System.Diagnostics.Metrics;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Recording;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>Whose state is shown.</summary>
internal sealed record ObservedRooms(
    RequestFlow Flow, FleetRuntime Fleet, LedgerRoom Ledger, DecisionLog Decisions, FleetSource Config,
    ClusterRoom? Cluster = null)
{
    /// <summary>Null where no decision logs are written.</summary>
    public DecisionFiles? Recordings { get; init; }
}

/// <summary>What the gateway's rooms say of themselves when somebody collects; costs nothing in between.</summary>
internal static class GatewayMetrics
{
    public static void Observe(Meter meter, ObservedRooms rooms)
    {
        meter.CreateObservableGauge(
            "penstock.in_flight", () => rooms.Flow.InFlight, "{request}", "Requests being served.");
        meter.CreateObservableGauge(
            "penstock.in_flight_limit", () => rooms.Fleet.Current.Snapshot.Limits.InFlightMax,
            "{request}", "Requests in flight at most; more are refused.");
        meter.CreateObservableGauge(
            "penstock.draining", () => rooms.Flow.Draining ? 1 : 0, null, "1 while the gateway takes no new requests.");
        meter.CreateObservableCounter(
            "penstock.faults", () => rooms.Fleet.Faults,
            "{fault}", "Faults of the gateway's own that no request stands behind; each is a bug, and in the log.");
        ObserveLedger(meter, rooms.Ledger);
        meter.CreateObservableGauge(
            "penstock.decisions.kept", () => rooms.Decisions.Count, "{decision}", "Decisions that can be explained.");
        meter.CreateObservableGauge(
            "penstock.decisions.limit", () => DecisionLog.Capacity,
            "{decision}", "Decisions kept at most; the oldest are overwritten.");
        meter.CreateObservableGauge(
            "penstock.config.version", () => rooms.Config.Status.Version, null, "The configuration in force.");
        meter.CreateObservableGauge(
            "penstock.config.errors", () => rooms.Config.Status.LastErrors.Length,
            "{error}", "Errors of the document as it is now; 0 where it is the one in force.");
        meter.CreateObservableGauge(
            "penstock.config.waiting_for_restart", () => rooms.Config.Status.RestartNeeded.Length,
            "{setting}", "Changed settings that take effect at the next start.");
        ObserveRecordings(meter, rooms);
        ReplicaMetrics.Observe(meter, rooms.Fleet);
        CacheMetrics.Observe(meter, rooms.Fleet);
        CacheMetrics.Observe(meter, rooms.Flow.Prompts.Tokenizer);
        ClusterMetrics.Observe(meter, rooms.Cluster);
    }

    public static void ObserveLog(Meter meter, RequestLog log)
    {
        meter.CreateObservableCounter(
            "penstock.log.lines", () => log.Lines, "{line}", "Request lines taken for the log.");
        meter.CreateObservableCounter(
            "penstock.log.dropped", () => log.Dropped, "{line}", "Request lines dropped, because the buffer was full.");
        meter.CreateObservableCounter(
            "penstock.log.write_failures", () => log.Failures,
            "{failure}", "Writes that the log's stream refused; their lines are lost.");
    }

    private static void ObserveRecordings(Meter meter, ObservedRooms rooms)
    {
        meter.CreateObservableCounter(
            "penstock.decision_log.bytes", () => rooms.Recordings?.Written ?? 0, "By", "Decision logs written.");
        meter.CreateObservableCounter(
            "penstock.decision_log.failures", () => rooms.Recordings?.Failures ?? 0,
            "{failure}", "Writes of decision logs that the disk refused.");
        meter.CreateObservableCounter(
            "penstock.decision_log.gaps", () => rooms.Recordings?.Gaps ?? 0,
            "{log}", "Times that a pool was not recorded from some point on: the disk is slow or refuses, or "
            + "decision_log.max_size leaves no room.");
    }

    private static void ObserveLedger(Meter meter, LedgerRoom ledger)
    {
        var journal = ledger.Journal;
        meter.CreateObservableGauge(
            "penstock.journal.size", () => journal.Stats.Bytes, "By", "Usage journal: segments not yet deleted.");
        meter.CreateObservableGauge(
            "penstock.journal.size_limit", () => journal.Stats.BytesMax,
            "By", "Size of the journal at which requests are refused.");
        meter.CreateObservableCounter(
            "penstock.journal.admissions", () => journal.Stats.Admissions, "{record}", "Attempts opened.");
        meter.CreateObservableCounter(
            "penstock.journal.settlements", () => journal.Stats.Settlements, "{record}", "Attempts settled.");
        meter.CreateObservableCounter(
            "penstock.journal.refused", () => journal.Stats.Refused, "{record}", "Records that found no room.");
        meter.CreateObservableCounter(
            "penstock.journal.flushes", () => journal.Stats.Flushes, "{flush}", "Groups of records forced to disk.");
        meter.CreateObservableCounter(
            "penstock.journal.flush_failures", () => journal.Stats.FlushFailures,
            "{flush}", "Groups of records that the disk did not take.");
        meter.CreateObservableGauge(
            "penstock.ledger.lag", () => ledger.Lag, "{record}", "Records of the journal that storage has not taken.");
        meter.CreateObservableCounter(
            "penstock.ledger.recovered", () => ledger.Recovered,
            "{attempt}", "Attempts of earlier processes that were settled with an estimate.");
    }
}
