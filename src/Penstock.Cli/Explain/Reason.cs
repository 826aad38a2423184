using System.Text.Json;
using Penstock.Cli.Output;

namespace Penstock.Cli.Explain;

/// <summary>Says in one sentence why the chosen replica won, from the numbers of the decision.</summary>
internal static class Reason
{
    public static string Of(JsonElement decision)
    {
        if (decision.Text("replica") is not { } chosenName)
        {
            return decision.Text("reason") ?? "no replica was chosen, and no reason was recorded.";
        }

        var candidates = decision.Items("candidates");
        var chosen = Find(candidates, chosenName);
        var eligible = candidates.Count(static c => c.Flag("eligible") != false);
        if (eligible == 1)
        {
            return $"{chosenName} was the only replica that could take the request.";
        }

        var runnerUpName = decision.Text("runner_up");
        if (chosen?.Number("cost") is not { } cost
            || runnerUpName is null
            || Find(candidates, runnerUpName) is not { } runnerUp
            || runnerUp.Number("cost") is not { } otherCost)
        {
            var policy = decision.Text("policy") is { } name ? $"policy {name}" : "the policy";
            return $"{policy} chose {chosenName}{(decision.Text("reason") is { } why ? $": {why}" : "")}.";
        }

        return cost == otherCost
            ? $"{chosenName} and {runnerUpName} cost the same ({Fields.Show(cost)}), and the draw chose {chosenName}."
            : $"{chosenName} costs {Fields.Show(cost)} against {Fields.Show(otherCost)} for {runnerUpName}"
                + $"{MainDifference(chosen.Value, runnerUp, cost < otherCost)}.";
    }

    private static string MainDifference(JsonElement chosen, JsonElement runnerUp, bool chosenIsCheaper)
    {
        if (!chosenIsCheaper)
        {
            return ", and was chosen although it costs more";
        }

        var theirs = Terms(runnerUp);
        var main = Terms(chosen)
            .Where(t => theirs.ContainsKey(t.Key))
            .Select(t => (Name: t.Key, t.Value.Unit, Mine: t.Value.Value, Theirs: theirs[t.Key].Value))
            .OrderByDescending(static t => t.Theirs - t.Mine)
            .FirstOrDefault();
        if (main.Name is null || main.Theirs <= main.Mine)
        {
            return "";
        }

        var unit = main.Unit is null ? "" : $" {main.Unit}";
        return $", mostly for its {main.Name}: {Fields.Show(main.Mine)} against {Fields.Show(main.Theirs)}{unit}";
    }

    private static Dictionary<string, (double Value, string? Unit)> Terms(JsonElement candidate) =>
        candidate.Items("terms")
            .Where(static t => t.Text("name") is not null && t.Number("value") is not null)
            .DistinctBy(static t => t.Text("name"))
            .ToDictionary(
                static t => t.Text("name")!,
                static t => (t.Number("value")!.Value, t.Text("unit")),
                StringComparer.Ordinal);

    private static JsonElement? Find(IReadOnlyList<JsonElement> candidates, string replica)
    {
        foreach (var candidate in candidates)
        {
            if (candidate.Text("replica") == replica)
            {
                return candidate;
            }
        }

        return null;
    }
}
