using System.Text.Json;
using Penstock.Cli.Output;

namespace Penstock.Cli.Explain;

/// <summary>What is remarkable about one candidate: what it became, and what of it is otherwise than usual.</summary>
internal static class CandidateNote
{
    /// <summary>An engine is asked for its load every 8 s at least, and takes a moment to answer.</summary>
    private const double LoadAgeUsualMax = 10_000;

    public static string Of(JsonElement candidate, JsonElement decision)
    {
        if (candidate.Flag("eligible") == false)
        {
            return $"not eligible: {candidate.Text("why_not") ?? "no reason recorded"}";
        }

        var replica = candidate.Text("replica");
        string[] notes =
        [
            replica is null ? ""
                : replica == decision.Text("replica") ? "chosen"
                : replica == decision.Text("runner_up") ? "runner-up"
                : "",
            PassedOver(candidate, Objectives.Missed(candidate, decision)),
            candidate.Text("cache_trust") is { } trust and not "trusted" ? $"its cache index is {trust}" : "",
            Index(candidate),
            Events(candidate),
            candidate.Number("load_age_ms") is > LoadAgeUsualMax and var age
                ? $"told its load {Fields.Show(Math.Round(age / 1000))} s ago" : "",
            candidate.Text("peer_age_ms") is { } peers and not "0" ? $"other gateways' view {peers} ms old" : "",
        ];
        return string.Join(", ", notes.Where(static n => n.Length > 0));
    }

    /// <summary>Whoever is passed over and misses an objective is passed over for that.</summary>
    private static string PassedOver(JsonElement candidate, string missed) =>
        candidate.Flag("passed_over") != true ? missed
            : missed.Length == 0 ? "passed over"
            : $"passed over: {missed}";

    /// <summary>What the index says, where that is not simply what is counted on: another tier, or less trust. The last
    /// token of a prompt is always computed.</summary>
    private static string Index(JsonElement candidate)
    {
        var matched = candidate.Number("matched_tokens");
        var tiers = candidate.Properties("index_tokens")
            .Where(static t => t.Value.ValueKind == JsonValueKind.Number && t.Value.GetDouble() > 0)
            .ToList();
        return tiers.All(t => t.Name == "device" && Math.Abs(t.Value.GetDouble() - (matched ?? 0)) <= 1)
            ? ""
            : "its index has " + string.Join(" and ", tiers.Select(static t => $"{Fields.Show(t.Value)} ({t.Name})"))
                + " tokens";
    }

    /// <summary>How far the engine's own events of its cache were known.</summary>
    private static string Events(JsonElement candidate) => candidate.Text("cache_events") switch
    {
        null or "none" => "",
        var state when candidate.Text("cache_event_age_ms") is { } age => $"cache events {state}, last {age} ms ago",
        var state => $"cache events {state}, none yet",
    };
}
