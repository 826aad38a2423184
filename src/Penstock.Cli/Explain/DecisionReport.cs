using System.Text.Json;
using Penstock.Cli.Output;
using Spectre.Console;

namespace Penstock.Cli.Explain;

/// <summary>A decision as a page of text. Shows what is there and leaves out what is not.</summary>
internal static class DecisionReport
{
    private static readonly (string Field, string Heading)[] Loads =
    [
        ("matched_tokens", "Cached"),
        ("uncached_tokens", "Uncached"),
        ("in_flight", "In flight"),
        ("prefill_tokens_in_flight", "Prefill tokens"),
        ("decode_tokens", "Decode tokens"),
    ];

    public static void Write(CommandOutput output, JsonElement decision)
    {
        Pair(output, "Decision", decision.Text("id"));
        Pair(output, "Request", decision.Text("request_id"));
        Pair(output, "Time", decision.Text("time"));
        Pair(output, "Model", ModelText(decision));
        Pair(output, "Pool", decision.Text("pool"));
        Pair(output, "Policy", decision.Text("policy"));
        Pair(output, "Prompt", PromptText(decision));
        Pair(output, "SLO", Values(decision, "slo_ms", " ms"));
        Pair(output, "Replicas", ReplicasText(decision));
        Pair(output, "Config", decision.Text("snapshot_version") is { } version ? $"version {version}" : null);
        output.Line();
        Candidates(output, decision);
        output.Line();
        output.Line($"Why: {Reason.Of(decision)}");
        output.Line();
        Attempts(output, decision);
        Pair(output, "Timings", Values(decision, "timings_ms", " ms"));
        Pair(output, "Usage", Values(decision, "usage", ""));
        Pair(output, "Price", decision.Text("price_usd") is { } price ? $"{price} USD" : null);
        Pair(output, "Hints", Values(decision, "hints", ""));
    }

    private static void Pair(CommandOutput output, string label, string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            output.Line($"{label,-10}{text}");
        }
    }

    private static string? ModelText(JsonElement decision)
    {
        var (model, asked) = (decision.Text("model"), decision.Text("requested_model"));
        return asked is null || asked == model ? model : $"{model} (asked for as {asked})";
    }

    private static string? PromptText(JsonElement decision)
    {
        var (tokens, blocks) = (decision.Text("prompt_tokens"), decision.Text("chain_blocks"));
        var output = decision.Text("expected_output_tokens");
        return tokens is null ? null
            : $"{tokens} tokens" + (blocks is null ? "" : $", {blocks} prefix blocks")
                + (output is null ? "" : $"; an answer of {output} tokens is expected");
    }

    private static string? ReplicasText(JsonElement decision)
    {
        var shown = decision.Items("candidates").Count;
        return decision.Number("replicas_considered") is not { } considered ? null
            : $"{Fields.Show(considered)} considered"
                + (shown > 0 && shown < considered ? $", the {Fields.Show(shown)} that cost least are shown" : "");
    }

    private static string Values(JsonElement decision, string name, string unit) =>
        string.Join(", ", decision.Properties(name)
            .Where(static p => p.Value.ValueKind != JsonValueKind.Null)
            .Select(p => $"{p.Name} {Fields.Show(p.Value)}{unit}"));

    private static void Candidates(CommandOutput output, JsonElement decision)
    {
        var candidates = decision.Items("candidates");
        if (candidates.Count == 0)
        {
            output.Line("No candidates were recorded.");
            return;
        }

        var terms = candidates
            .SelectMany(static c => c.Items("terms"))
            .Select(static t => (Name: t.Text("name") ?? "?", Unit: t.Text("unit") ?? ""))
            .DistinctBy(static t => t.Name)
            .ToList();
        var loads = Loads.Where(l => candidates.Any(c => c.Field(l.Field) is not null)).ToList();
        var table = new Table()
            .TextColumns("", "Replica")
            .NumberColumns(CostHeading(decision))
            .NumberColumns([.. terms.Select(static t => WithUnit(t.Name, t.Unit))])
            .NumberColumns([.. loads.Select(static l => l.Heading)])
            .TextColumns("Note");
        var costs = Costs(decision, candidates);
        foreach (var (candidate, cost) in candidates.Zip(costs))
        {
            var values = candidate.Items("terms")
                .DistinctBy(static t => t.Text("name"))
                .ToDictionary(static t => t.Text("name") ?? "?", static t => t.Text("value"));
            table.Cells(
            [
                candidate.Text("replica") == decision.Text("replica") ? ">" : "",
                candidate.Text("replica"),
                cost,
                .. terms.Select(t => values.GetValueOrDefault(t.Name)),
                .. loads.Select(l => candidate.Text(l.Field)),
                CandidateNote.Of(candidate, decision),
            ]);
        }

        output.Table(table);
    }

    private static string WithUnit(string name, string? unit) =>
        string.IsNullOrEmpty(unit) ? name : $"{name} ({unit})";

    private static string CostHeading(JsonElement decision) => decision.Text("cost_kind") switch
    {
        "rank" => "Rank",
        "draw" => "Draw",
        _ => WithUnit("Cost", decision.Text("cost_unit")),
    };

    /// <summary>Of costs that are ranks only the order says something: places are shown in their stead.</summary>
    private static IEnumerable<string?> Costs(JsonElement decision, IReadOnlyList<JsonElement> candidates)
    {
        if (decision.Text("cost_kind") != "rank")
        {
            return candidates.Select(static c => c.Text("cost"));
        }

        var eligible = candidates.Where(static c => c.Flag("eligible") != false).ToList();
        return candidates.Select(c => c.Number("cost") is { } cost && c.Flag("eligible") != false
            ? Fields.Show(1 + eligible.Count(other => other.Number("cost") < cost))
            : null);
    }

    private static void Attempts(CommandOutput output, JsonElement decision)
    {
        var attempts = decision.Items("attempts");
        for (var i = 0; i < attempts.Count; i++)
        {
            var attempt = attempts[i];
            var status = attempt.Text("status") is { } code ? $", status {code}" : "";
            var at = attempt.Text("at_ms") is { } ms ? $", sent after {ms} ms" : "";
            Pair(output, $"Attempt {i + 1}", $"{attempt.Text("replica")}: {attempt.Text("outcome")}{status}{at}");
        }
    }
}
