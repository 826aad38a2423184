using System.Diagnostics.Metrics;
using Penstock.Gateway.Cluster;

namespace Penstock.Gateway.Observability;

/// <summary>What is known of the other gateways and the traffic with them; all 0 where this one works alone.</summary>
internal static class ClusterMetrics
{
    public static void Observe(Meter meter, ClusterRoom? cluster)
    {
        void Count(string name, string unit, string help, Func<ClusterCounters, long> read) =>
            meter.CreateObservableCounter(name, () => cluster is null ? 0 : read(cluster.Counters), unit, help);

        meter.CreateObservableGauge(
            "penstock.cluster.members", () => cluster?.Members.Count ?? 0, "{gateway}",
            "Other gateways, listed or found.");
        meter.CreateObservableGauge(
            "penstock.cluster.streams_up", () => cluster?.Links.Up ?? 0, "{stream}",
            "Other gateways that are told what this one has in flight.");
        meter.CreateObservableGauge(
            "penstock.cluster.peers_heard", () => cluster?.Views.All.Count(v => v.Here) ?? 0, "{gateway}",
            "Other gateways whose loads are known.");
        meter.CreateObservableGauge(
            "penstock.cluster.view_age", () => cluster?.Views.OldestAge.TotalSeconds ?? 0, "s",
            "Age of the oldest view of another gateway.");
        meter.CreateObservableGauge(
            "penstock.cluster.database_up", () => cluster?.Watch?.Answers == true ? 1 : 0, null,
            "1 where the database of the cluster answered last time.");
        Count("penstock.cluster.frames_sent", "{frame}", "Frames to other gateways.", c => c.FramesOut);
        Count("penstock.cluster.frames_received", "{frame}", "Frames from other gateways.", c => c.FramesIn);
        Count("penstock.cluster.sent", "By", "Sent to other gateways.", c => c.BytesOut);
        Count("penstock.cluster.received", "By", "Received from other gateways.", c => c.BytesIn);
        Count("penstock.cluster.hints_dropped", "{hint}",
            "Prompts that another gateway was not told of, because it was too slow.", c => c.Dropped);
        Count("penstock.cluster.replicas_unlisted", "{replica}",
            "Replicas that are not shared, because too many were named.", c => c.Unlisted);
        Count("penstock.cluster.streams_refused", "{stream}", "Streams that were not let in.", c => c.Refused);
        Count("penstock.cluster.streams_broken", "{stream}", "Streams that were ended for what they said.",
            c => c.Broken);
    }
}
