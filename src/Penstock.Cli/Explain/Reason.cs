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
        if (candidates.Count(static c => c.Flag("eligible") != false) == 1)
        {
            return $"{chosenName} was the only replica that could take the request.";
        }

        var policy = decision.Text("policy") is { } name ? $"policy {name}" : "the policy";
        var chosen = Find(candidates, chosenName);
        var runnerUpName = decision.Text("runner_up");
        if (chosen?.Number("cost") is { } cost && runnerUpName is not null
            && Find(candidates, runnerUpName) is { } runnerUp)
        {
            if (runnerUp.Flag("passed_over") == true)
            {
                return $"{policy} prefers {chosenName} and passes over all others"
                    + (Objectives.Missed(runnerUp, decision) is { Length: > 0 } missed
                        ? $", which miss an objective; {runnerUpName}, the next: {missed}." : ".");
            }

            if (runnerUp.Number("cost") is { } otherCost)
            {
                return Compare(decision, policy, (chosenName, chosen.Value, cost), (runnerUpName, runnerUp, otherCost))
                    + Objectives.MissedBy(chosen.Value, decision);
            }
        }

        return $"{policy} chose {chosenName}{(decision.Text("reason") is { } why ? $": {why}" : "")}.";
    }

    private static string Compare(
        JsonElement decision, string policy, (string Name, JsonElement Of, double Cost) chosen,
        (string Name, JsonElement Of, double Cost) runnerUp)
    {
        var kind = decision.Text("cost_kind");
        if (kind == "draw")
        {
            return $"{policy} draws, and drew {chosen.Name}.";
        }

        var isRank = kind == "rank";
        if (chosen.Cost == runnerUp.Cost)
        {
            var same = isRank ? "are alike to the rule" : $"cost the same ({Fields.Show(chosen.Cost)})";
            return $"{chosen.Name} and {runnerUp.Name} {same}, and the draw chose {chosen.Name}.";
        }

        var terms = Both(chosen.Of, runnerUp.Of);
        var unit = decision.Text("cost_unit") is { Length: > 0 } written ? $" {written}" : "";
        return isRank
            ? $"{policy} puts {chosen.Name} before {runnerUp.Name}{Shown(First(terms), ", for its")}."
            : $"{chosen.Name} costs {Fields.Show(chosen.Cost)} against {Fields.Show(runnerUp.Cost)}{unit} for "
                + $"{runnerUp.Name}"
                + (chosen.Cost < runnerUp.Cost
                    ? Shown(Largest(terms, kind == "product"), ", mostly for its")
                    : ", and was chosen although it costs more")
                + ".";
    }

    private static string Shown(Term? term, string before) => term is null ? ""
        : $"{before} {term.Name}: {Fields.Show(term.Mine)} against {Fields.Show(term.Theirs)}"
            + (string.IsNullOrEmpty(term.Unit) ? "" : $" {term.Unit}");

    /// <summary>The first in which the chosen one is better: terms of a rank come in the order of their weight.
    /// </summary>
    private static Term? First(IEnumerable<Term> terms) => terms.FirstOrDefault(static t => t.Mine < t.Theirs);

    /// <summary>What made the most of the difference: of a sum the largest one, of a product the largest ratio, a term
    /// that may be 0 counting one more.</summary>
    private static Term? Largest(IEnumerable<Term> terms, bool isProduct) => terms
        .Where(static t => t.Mine < t.Theirs)
        .MaxBy(t => isProduct ? (t.Theirs + 1) / (t.Mine + 1) : t.Theirs - t.Mine);

    private static IEnumerable<Term> Both(JsonElement chosen, JsonElement runnerUp)
    {
        var theirs = runnerUp.Items("terms")
            .Where(static t => t.Text("name") is not null && t.Number("value") is not null)
            .DistinctBy(static t => t.Text("name"))
            .ToDictionary(static t => t.Text("name")!, static t => t.Number("value")!.Value, StringComparer.Ordinal);
        return chosen.Items("terms")
            .Where(t => t.Number("value") is not null && theirs.ContainsKey(t.Text("name") ?? ""))
            .Select(t => new Term(
                t.Text("name")!, t.Number("value")!.Value, theirs[t.Text("name")!], t.Text("unit")));
    }

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

    /// <summary>One term of the chosen replica and of the runner-up.</summary>
    private sealed record Term(string Name, double Mine, double Theirs, string? Unit);
}
