using System.Globalization;
using System.Text.Json;
using Penstock.Cli.Output;
using Penstock.Core.Recording;
using Penstock.Core.Routing;
using Spectre.Console;

namespace Penstock.Cli.Replay;

/// <summary>What a replay found, for people and for programs.</summary>
internal static class ReplayReport
{
    public static void Write(CommandOutput output, IReadOnlyList<ReplayedLog> logs)
    {
        var table = new Table()
            .TextColumns("Log", "Pool", "Policy", "Outcome")
            .NumberColumns("Decisions", "Events");
        foreach (var log in logs)
        {
            table.Cells(
                Path.GetFileName(log.Path), log.Result?.Header.Pool, log.Result?.Header.Policy, Outcome(log),
                Fields.Show(log.Result?.Decisions ?? 0), Fields.Show(log.Result?.Events ?? 0));
        }

        output.Table(table);
        foreach (var log in logs)
        {
            WriteDifference(output, log);
        }

        WriteComparison(output, [.. logs.Select(static l => l.Result?.Comparison).OfType<PolicyComparison>()]);
    }

    public static void Write(Utf8JsonWriter json, ReplayedLog log)
    {
        json.WriteStartObject();
        json.WriteString("log", log.Path);
        json.WriteBoolean("same", log.IsSame);
        if (log.Problem is { } problem)
        {
            json.WriteString("problem", problem);
        }

        if (log.Result is { } result)
        {
            json.WriteString("pool", result.Header.Pool);
            json.WriteString("policy", result.Header.Policy);
            json.WriteString("program", result.Header.Program);
            json.WriteNumber("decisions", result.Decisions);
            json.WriteNumber("events", result.Events);
            json.WriteBoolean("torn", result.IsTorn);
            json.WriteBoolean("damaged", result.IsDamaged);
            json.WriteNumber("unread_bytes", result.UnreadBytes);
            if (result.Difference is { } difference)
            {
                json.WriteStartObject("first_difference");
                json.WriteNumber("number", difference.Number);
                json.WriteString("id", IdOf(difference.Id));
                json.WriteString("time", result.Header.TimeOf(difference.At));
                json.WriteBoolean("costs_differ", difference.CostsDiffer);
                Write(json, "recorded", result.Header, difference.Recorded);
                Write(json, "replayed", result.Header, difference.Replayed);
                json.WriteEndObject();
            }

            if (result.Comparison is { } comparison)
            {
                WriteComparison(json, result.Header, comparison);
            }
        }

        json.WriteEndObject();
    }

    private static string Outcome(ReplayedLog log) => log switch
    {
        { Problem: { } problem } => problem,
        { Result.Difference: { } difference } => $"differs at decision {difference.Number}",
        { Result: { IsDamaged: true } result } =>
            $"damaged: {result.UnreadBytes} bytes were not looked at; same before them",
        { Result: { IsTorn: true } result } =>
            $"same, as far as it was written; {result.UnreadBytes} bytes of a torn end were not looked at",
        _ => "same",
    };

    private static void WriteDifference(CommandOutput output, ReplayedLog log)
    {
        if (log.Result is not { Difference: { } difference } result)
        {
            return;
        }

        output.Line();
        var time = result.Header.TimeOf(difference.At)
            .ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var id = IdOf(difference.Id) is { } known ? $"{known}, " : "";
        output.Line($"{Path.GetFileName(log.Path)}, decision {difference.Number} ({id}{time}):");
        output.Line($"  recorded  {Describe(result.Header, difference.Recorded)}");
        output.Line($"  replayed  {Describe(result.Header, difference.Replayed)}");
        if (difference.Recorded == difference.Replayed)
        {
            output.Line("  the choice is the same, the costs of the candidates are not");
        }

        output.Line($"  written by {result.Header.Program}");
    }

    private static void WriteComparison(CommandOutput output, IReadOnlyList<PolicyComparison> comparisons)
    {
        if (comparisons.Count == 0)
        {
            return;
        }

        var decisions = comparisons.Sum(static c => c.Decisions);
        var different = comparisons.Sum(static c => c.Different);
        var share = decisions == 0 ? 0 : 100.0 * different / decisions;
        output.Line();
        output.Line(
            $"{comparisons[0].Policy.Name} would have sent {different} of {decisions} requests elsewhere "
            + $"({share:0.0} %).");
        output.Line(
            $"Prompt tokens to compute: {comparisons.Sum(static c => c.RecordedUncachedTokens)} as it was, "
            + $"{comparisons.Sum(static c => c.OtherUncachedTokens)} by {comparisons[0].Policy.Name}, "
            + "each request taken by itself.");
    }

    private static void WriteComparison(Utf8JsonWriter json, PoolLogHeader header, PolicyComparison comparison)
    {
        json.WriteStartObject("comparison");
        json.WriteString("policy", comparison.Policy.Name);
        json.WriteNumber("decisions", comparison.Decisions);
        json.WriteNumber("different", comparison.Different);
        json.WriteNumber("recorded_uncached_tokens", comparison.RecordedUncachedTokens);
        json.WriteNumber("other_uncached_tokens", comparison.OtherUncachedTokens);
        json.WriteStartArray("replicas");
        for (var slot = 0; slot < header.Replicas.Length; slot++)
        {
            json.WriteStartObject();
            json.WriteString("replica", header.Replicas[slot]);
            json.WriteNumber("recorded", comparison.RecordedByReplica[slot]);
            json.WriteNumber("other", comparison.OtherByReplica[slot]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("examples");
        foreach (var example in comparison.Examples)
        {
            json.WriteStartObject();
            json.WriteNumber("number", example.Number);
            json.WriteString("id", IdOf(example.Id));
            json.WriteString("time", header.TimeOf(example.At));
            Write(json, "recorded", header, example.Recorded);
            Write(json, "other", header, example.Other);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, PoolLogHeader header, RouteDecision decision)
    {
        json.WriteStartObject(name);
        json.WriteString("replica", NameOf(header, decision.Replica));
        json.WriteString("runner_up", NameOf(header, decision.RunnerUp));
        json.WriteNumber("prompt_tokens", decision.PromptTokens);
        json.WriteNumber("matched_tokens", decision.MatchedTokens);
        json.WriteEndObject();
    }

    private static string Describe(PoolLogHeader header, RouteDecision decision) =>
        $"{NameOf(header, decision.Replica) ?? "no replica"}, runner-up {NameOf(header, decision.RunnerUp) ?? "none"}, "
        + $"{decision.MatchedTokens} of {decision.PromptTokens} prompt tokens expected in its cache";

    private static string? IdOf(ulong id) => id == 0 ? null : DecisionId.Format(id);

    private static string? NameOf(PoolLogHeader header, int slot) =>
        slot >= 0 && slot < header.Replicas.Length ? header.Replicas[slot] : null;
}
