using System.Diagnostics.Metrics;
using Penstock.Core.Prefixes;
using Penstock.Core.Replicas;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Observability;

using Tag = KeyValuePair<string, object?>;

/// <summary>
/// What is known of every replica. Nothing is measured for it: it is what routing decides by. Of a fleet with more than
/// <see cref="ReplicasMax"/> replicas the first are shown, and the rest counted.
/// </summary>
internal static class ReplicaMetrics
{
    /// <summary>Replicas shown at most, so that every instrument stays below its own limit of series.</summary>
    public const int ReplicasMax = 300;

    private static readonly HealthStatus[] States = Enum.GetValues<HealthStatus>();
    private static readonly string[] StateNames = [.. States.Select(s => s.ToString().ToLowerInvariant())];

    private static readonly TrustLevel[] Levels = Enum.GetValues<TrustLevel>();
    private static readonly string[] LevelNames = [.. Levels.Select(s => s.ToString().ToLowerInvariant())];

    public static void Observe(Meter meter, FleetRuntime fleet)
    {
        void Long(string name, string unit, string help, Func<ReplicaLoad, long> read) =>
            meter.CreateObservableGauge(
                name, () => Each(fleet).Select(r => new Measurement<long>(read(r.Load), r.Labels)), unit, help);

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
            () => Each(fleet).Where(r => !double.IsNaN(r.Load.Reported.KvUsage))
                .Select(r => new Measurement<double>(r.Load.Reported.KvUsage, r.Labels)),
            null, "Share of the KV cache in use, 0 to 1, as the engine reports.");
        ObserveCache(meter, fleet);
        meter.CreateObservableGauge(
            "penstock.replica.routable",
            () => Each(fleet).Select(r => new Measurement<int>(r.Load.Ineligible == Ineligible.No ? 1 : 0, r.Labels)),
            null, "1 where new requests may go there.");
        meter.CreateObservableGauge(
            "penstock.replica.health", () => Each(fleet).SelectMany(Health), null, "1 for the state that it is in.");
        meter.CreateObservableGauge(
            "penstock.replicas", () => fleet.Current.Pools.Sum(p => p.Replicas.Count), "{replica}", "Replicas known.");
        meter.CreateObservableGauge(
            "penstock.replicas_not_shown",
            () => Math.Max(0, fleet.Current.Pools.Sum(p => p.Replicas.Count) - ReplicasMax),
            "{replica}", "Replicas beyond the number that is shown one by one.");
    }

    /// <summary>How what is predicted of caches compares with what answers report.</summary>
    private static void ObserveCache(Meter meter, FleetRuntime fleet)
    {
        void Count(string name, string unit, string help, Func<ReplicaLoad, long> read) =>
            meter.CreateObservableCounter(
                name, () => Each(fleet).Select(r => new Measurement<long>(read(r.Load), r.Labels)), unit, help);

        Count("penstock.replica.cache_predicted_tokens", "{token}", "Prompt tokens that were predicted to be cached, "
            + "of answers that reported theirs.", l => l.PredictedTokens);
        Count("penstock.replica.cache_reported_tokens", "{token}", "Prompt tokens that the engine found in its cache, "
            + "of the same answers.", l => l.CachedTokens);
        Count("penstock.replica.cache_restarts", "{restart}", "Times that the cache was found empty where much of it "
            + "should have been there.", l => l.Trust.Restarts);
        meter.CreateObservableGauge(
            "penstock.replica.cache_trust", () => Each(fleet).SelectMany(Trust), null,
            "1 for how far the index of its cache is relied on.");
        meter.CreateObservableGauge(
            "penstock.replica.cache_alarm",
            () => Each(fleet).Select(r => new Measurement<int>(r.Load.Trust.IsAlarming ? 1 : 0, r.Labels)),
            null, "1 while predictions of its cache are far from what it reports.");
    }

    private static IEnumerable<Measurement<int>> Trust(Observed replica) =>
        Levels.Select((level, i) => new Measurement<int>(
            replica.Load.Trust.Level == level ? 1 : 0, [.. replica.Labels, new("state", LevelNames[i])]));

    private static IEnumerable<Measurement<int>> Health(Observed replica) =>
        States.Select((state, i) => new Measurement<int>(
            replica.Replica.Health.Status == state ? 1 : 0, [.. replica.Labels, new("state", StateNames[i])]));

    private static IEnumerable<Observed> Each(FleetRuntime fleet) =>
        fleet.Current.Pools.SelectMany(Each).Take(ReplicasMax);

    private static IEnumerable<Observed> Each(Pool pool) => pool.Look().Select(seen => new Observed(
        seen.Replica, seen.Load,
        [new("model", pool.Snapshot.Model), new("pool", pool.Snapshot.Name), new("replica", seen.Replica.Name)]));

    private sealed record Observed(Replica Replica, ReplicaLoad Load, Tag[] Labels);
}
