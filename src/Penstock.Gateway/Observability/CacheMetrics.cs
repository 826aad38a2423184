using System.Diagnostics.Metrics;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Observability;

using Tag = KeyValuePair<string, object?>;

/// <summary>What engines say of their caches, and how the tokens of prompts come about. Of a large fleet the first
/// replicas are shown, as in <see cref="ReplicaMetrics"/>.</summary>
internal static class CacheMetrics
{
    private static readonly string[] StateNames =
        [.. Enum.GetValues<FeedState>().Select(s => (default(FeedStatus) with { State = s }).StateName)];

    public static void Observe(Meter meter, FleetRuntime fleet)
    {
        void Count(string name, string unit, string help, Func<FeedStatus, long> read) =>
            meter.CreateObservableCounter(
                name, () => Each(fleet).Select(f => new Measurement<long>(read(f.Status), f.Labels)), unit, help);

        meter.CreateObservableGauge(
            "penstock.replica.cache_events", () => Each(fleet).SelectMany(States), null,
            "1 for the state that the feed of cache events is in.");
        Count("penstock.replica.cache_event_batches", "{batch}", "Batches of cache events taken.", s => s.Batches);
        Count("penstock.replica.cache_event_blocks", "{block}", "Blocks stored or removed in them.", s => s.Blocks);
        Count("penstock.replica.cache_event_gaps", "{gap}", "Times that events were missed.", s => s.Gaps);
        Count("penstock.replica.cache_event_resets", "{reset}", "Times that what they added up to was void.",
            s => s.Resets);
        Count("penstock.replica.cache_event_faults", "{fault}", "Times that a publisher broke the rules.",
            s => s.Faults);
    }

    public static void Observe(Meter meter, PromptTokenizer prompts)
    {
        meter.CreateObservableCounter(
            "penstock.prompt_tokens.asked", () => prompts.Asked,
            "{prompt}", "Prompts whose tokens an engine was asked.");
        meter.CreateObservableCounter(
            "penstock.prompt_tokens.found", () => prompts.Found, "{prompt}", "Prompts whose tokens were known.");
        meter.CreateObservableCounter(
            "penstock.prompt_tokens.failed", () => prompts.Failed,
            "{prompt}", "Prompts that were routed without their tokens, which no engine told in time.");
        meter.CreateObservableGauge(
            "penstock.prompt_tokens.cache_size", () => prompts.CacheBytes, "By", "Memory of the prompts known.");
        meter.CreateObservableGauge(
            "penstock.prompt_tokens.cache_size_limit", () => PromptTokenizer.CacheBytesMax,
            "By", "Memory of the prompts known at most; the oldest are forgotten.");
    }

    private static IEnumerable<Measurement<int>> States(Fed feed) => StateNames.Select(name =>
        new Measurement<int>(feed.Status.StateName == name ? 1 : 0, [.. feed.Labels, new("state", name)]));

    private static IEnumerable<Fed> Each(FleetRuntime fleet) => fleet.Current.Pools.SelectMany(
        pool => pool.Replicas.Select(replica => new Fed(
            replica.Cache.Status(),
            [new("model", pool.Snapshot.Model), new("pool", pool.Snapshot.Name), new("replica", replica.Name)])))
        .Take(ReplicaMetrics.ReplicasMax);

    private sealed record Fed(FeedStatus Status, Tag[] Labels);
}
