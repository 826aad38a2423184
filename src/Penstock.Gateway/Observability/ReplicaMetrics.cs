using System.Diagnostics.Metrics;
using Penstock.Core.Prefixes;
using Penstock.Core.Replicas;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Observability;

/// <summary>What is known of every replica. Nothing is measured for it: it is what routing decides by.</summary>
internal static class ReplicaMetrics
{
    private static readonly HealthStatus[] States = Enum.GetValues<HealthStatus>();
    private static readonly string[] StateNames = [.. States.Select(s => s.ToString().ToLowerInvariant())];

    private static readonly TrustLevel[] Levels = Enum.GetValues<TrustLevel>();
    private static readonly string[] LevelNames = [.. Levels.Select(s => s.ToString().ToLowerInvariant())];

    public static void Observe(Meter meter, FleetRuntime fleet)
    {
        void Long(string name, string unit, string help, Func<ReplicaLoad, long> read) =>
            meter.CreateObservableGauge(
                name, () => Each(fleet).Select(r => new Measurement<long>(read(r.Seen.Load), r.Labels)), unit, help);

        Long("penstock.replica.in_flight", "{request}", "Requests dispatched and not ended.", l => l.InFlight);
        Long("penstock.replica.prefill_tokens", "{token}", "Uncached prompt tokens of requests whose first token has "
            + "not come.", l => l.PrefillTokens);
        Long("penstock.replica.decode_tokens", "{token}", "Tokens of requests whose answer is under way.",
            l => l.DecodeTokens);
        Long("penstock.replica.reported_running", "{request}", "Requests running, as the engine reports.",
            l => l.Reported.Running);
        Long("penstock.replica.reported_waiting", "{request}", "Requests waiting, as the engine reports.",
            l => l.Reported.Waiting);
        meter.CreateObservableGauge(
            "penstock.replica.kv_usage",
            () => Each(fleet).Where(r => !double.IsNaN(r.Seen.Load.Reported.KvUsage))
                .Select(r => new Measurement<double>(r.Seen.Load.Reported.KvUsage, r.Labels)),
            null, "Share of the KV cache in use, 0 to 1, as the engine reports.");
        ObserveCache(meter, fleet);
        ObserveMirror(meter, fleet);
        meter.CreateObservableGauge(
            "penstock.replica.routable",
            () => Each(fleet).Select(
                r => new Measurement<int>(r.Seen.Load.Ineligible == Ineligible.No ? 1 : 0, r.Labels)),
            null, "1 where new requests may go there.");
        meter.CreateObservableGauge(
            "penstock.replica.health", () => Each(fleet).SelectMany(Health), null,
            "1 for the state of its health: unknown, healthy, suspect, unhealthy or recovering.");
        meter.CreateObservableGauge(
            "penstock.replicas", () => fleet.Current.Pools.Sum(p => p.Replicas.Count), "{replica}", "Replicas known.");
        meter.CreateObservableGauge(
            "penstock.replicas_not_shown",
            () => Math.Max(0, fleet.Current.Pools.Sum(p => p.Replicas.Count) - ShownReplicas.Max),
            "{replica}", "Replicas beyond the number that is shown one by one.");
    }

    /// <summary>How what is predicted of caches compares with what answers report.</summary>
    private static void ObserveCache(Meter meter, FleetRuntime fleet)
    {
        void Count(string name, string unit, string help, Func<ReplicaLoad, long> read) =>
            meter.CreateObservableCounter(
                name, () => Each(fleet).Select(r => new Measurement<long>(read(r.Seen.Load), r.Labels)), unit, help);

        Count("penstock.replica.cache_predicted_tokens", "{token}", "Prompt tokens that were predicted to be cached, "
            + "of answers that reported theirs.", l => l.PredictedTokens);
        Count("penstock.replica.cache_reported_tokens", "{token}", "Prompt tokens that the engine found in its cache, "
            + "of the same answers.", l => l.CachedTokens);
        Count("penstock.replica.cache_restarts", "{restart}", "Restarts noticed from answers: an expected prefix "
            + "was missing twice in a row.", l => l.Trust.Restarts);
        meter.CreateObservableGauge(
            "penstock.replica.cache_trust", () => Each(fleet).SelectMany(Trust), null,
            "1 for the state of trust in its predictions: trusted, suspect, untrusted or recovering.");
        meter.CreateObservableGauge(
            "penstock.replica.cache_alarm",
            () => Each(fleet).Select(r => new Measurement<int>(r.Seen.Load.Trust.IsAlarming ? 1 : 0, r.Labels)),
            null, "1 while trust is untrusted, or the average error of predictions is above 25% after 16 comparisons.");
    }

    /// <summary>What is remembered of caches, against its bounds.</summary>
    private static void ObserveMirror(Meter meter, FleetRuntime fleet)
    {
        IEnumerable<Measurement<long>> Each(Func<MirrorView, long> read) =>
            ReplicaMetrics.Each(fleet).Select(r => new Measurement<long>(read(r.Seen.Mirror), r.Labels));

        meter.CreateObservableGauge(
            "penstock.replica.prefix_blocks", () => Each(m => m.Blocks), "{block}",
            "Prefix blocks that it is believed to hold.");
        meter.CreateObservableGauge(
            "penstock.replica.prefix_blocks_limit", () => Each(m => m.BlocksMax), "{block}",
            "Prefix blocks remembered of it at most; the oldest are forgotten.");
        meter.CreateObservableGauge(
            "penstock.replica.prefix_tokens", () => Each(m => m.Tokens), "{token}",
            "Tokens that it is believed to hold in the accelerator's memory.");
        meter.CreateObservableGauge(
            "penstock.replica.prefix_tokens_limit", () => Each(m => m.CapacityTokens), "{token}",
            "Tokens that fit there, as told or as learned; 0 where nothing is known of it.");
        meter.CreateObservableCounter(
            "penstock.replica.prefix_overflows", () => Each(m => m.Overflows), "{block}",
            "Prefix blocks that were not remembered, because requests in flight held all there was room for, or a key "
            + "had its share.");
    }

    private static IEnumerable<Measurement<int>> Trust(Shown<ReplicaView> replica) =>
        Levels.Select((level, i) => new Measurement<int>(
            replica.Seen.Load.Trust.Level == level ? 1 : 0, [.. replica.Labels, new("state", LevelNames[i])]));

    private static IEnumerable<Measurement<int>> Health(Shown<ReplicaView> shown) =>
        States.Select((state, i) => new Measurement<int>(
            shown.Seen.Replica.Health.Status == state ? 1 : 0, [.. shown.Labels, new("state", StateNames[i])]));

    private static IEnumerable<Shown<ReplicaView>> Each(FleetRuntime fleet) =>
        ShownReplicas.Each(fleet, static pool => pool.Look(), static view => view.Replica);
}
