using System.Text.Json;
using Penstock.Cli.Output;

namespace Penstock.Cli.Explain;

/// <summary>What the objectives of a request had to do with a decision, in words.</summary>
internal static class Objectives
{
    /// <summary>Which of them a candidate is expected to miss, and by how much; empty where none.</summary>
    public static string Missed(JsonElement candidate, JsonElement decision)
    {
        var expected = candidate.Field("expected_ms") ?? default;
        var slo = decision.Field("slo_ms") ?? default;
        return string.Join(" and ", candidate.Items("misses").Select(Fields.Show).Select(name =>
            name switch
            {
                "first_token" => $"first token expected after {expected.Text(name)} ms",
                "per_token" => $"a token expected every {expected.Text(name)} ms",
                _ => name,
            }
            + $", objective {slo.Text(name)} ms"));
    }

    /// <summary>A sentence where the chosen one is expected to miss one; else nothing.</summary>
    public static string MissedBy(JsonElement chosen, JsonElement decision) =>
        Missed(chosen, decision) is { Length: > 0 } missed
            ? $" An objective is expected to be missed there: {missed}. Elsewhere it is too, or costs too much to meet."
            : "";
}
