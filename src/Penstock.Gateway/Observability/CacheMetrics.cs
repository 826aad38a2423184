using System.Diagnostics.Metrics;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Observability;

/// <summary>What engines say of their caches, and how the tokens of prompts come about.</summary>
internal static class CacheMetrics
{
    private static readonly string[] StateNames =
        [.. Enum.GetValues<FeedState>().Select(s => (default(FeedStatus) with { State = s }).StateName)];

    public static void Observe(Meter meter, FleetRuntime fleet)
    {
        void Count(string name, string unit, string help, Func<FeedStatus, long> read) =>
            meter.CreateObservableCounter(
                name, () => Each(fleet).Select(r => new Measurement<long>(read(r.Seen.Cache.Status()), r.Labels)), unit,
                help);

        meter.CreateObservableGauge(
            "penstock.replica.cache_events", () => Each(fleet).SelectMany(States), null,
            "1 for the state of the feed of cache events: none, live, silent, gap, connecting or faulty.");
        Count("penstock.replica.cache_event_batches", "{batch}", "Batches of cache events taken.", s => s.Batches);
        Count("penstock.replica.cache_event_blocks", "{block}", "Blocks stored or removed in them.", s => s.Blocks);
        Count("penstock.replica.cache_event_gaps", "{gap}", "Times that events were missed.", s => s.Gaps);
        Count("penstock.replica.cache_event_resets", "{reset}", "Times that the book of a rank was begun again: "
            + "its engine restarted, or missed events could not be had.", s => s.Resets);
        Count("penstock.replica.cache_event_faults", "{fault}", "Times that a publisher broke the rules.",
            s => s.Faults);
        Count("penstock.replica.cache_event_unknown", "{event}", "Events of a type that is not known here.",
            s => s.UnknownEvents);
        Count("penstock.replica.cache_event_broken", "{event}", "Events whose fields made no sense.",
            s => s.BrokenEvents);
        Count("penstock.replica.cache_event_replays", "{replay}", "Times that missed events were asked for.",
            s => s.Replays);
    }

    public static void Observe(Meter meter, PromptTokenizer prompts)
    {
        meter.CreateObservableCounter(
            "penstock.prompt_tokens.asked", () => prompts.Asked,
            "{prompt}", "Prompts whose tokens an engine was asked for.");
        meter.CreateObservableCounter(
            "penstock.prompt_tokens.found", () => prompts.Found, "{prompt}", "Prompts whose tokens were known.");
        meter.CreateObservableCounter(
            "penstock.prompt_tokens.failed", () => prompts.Failed,
            "{prompt}", "Prompts that were routed without their tokens, which no engine told in time.");
        meter.CreateObservableGauge(
            "penstock.prompt_tokens.cache_size", () => prompts.CacheBytes, "By", "Memory of the cached token chains.");
        meter.CreateObservableGauge(
            "penstock.prompt_tokens.cache_size_limit", () => PromptTokenizer.CacheBytesMax,
            "By", "Memory of the cached token chains at most; the oldest are forgotten.");
    }

    private static IEnumerable<Measurement<int>> States(Shown<Replica> shown)
    {
        var now = shown.Seen.Cache.Status().StateName;
        return StateNames.Select(name =>
            new Measurement<int>(now == name ? 1 : 0, [.. shown.Labels, new("state", name)]));
    }

    private static IEnumerable<Shown<Replica>> Each(FleetRuntime fleet) =>
        ShownReplicas.Each(fleet, static pool => pool.Replicas, static replica => replica);
}
