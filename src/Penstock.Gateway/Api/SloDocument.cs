using System.Text.Json;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Api;

/// <summary>Objectives as JSON, and what a decision expected of each candidate. Nothing is said where there are none.
/// Times in milliseconds.</summary>
internal static class SloDocument
{
    private const string FirstToken = "first_token";
    private const string PerToken = "per_token";

    public static void Write(Slo slo, Utf8JsonWriter json)
    {
        if (slo.IsSet)
        {
            json.WriteStartObject("slo_ms");
            WriteKnown(json, FirstToken, slo.FirstToken > 0 ? slo.FirstToken : double.NaN);
            WriteKnown(json, PerToken, slo.PerToken > 0 ? slo.PerToken : double.NaN);
            json.WriteEndObject();
        }
    }

    /// <summary>What was expected of a candidate, and which objectives it was expected to miss by that.</summary>
    public static void WriteExpected(AttemptRecord attempt, int candidate, Utf8JsonWriter json)
    {
        var all = attempt.Candidates.Expected;
        if (candidate >= all.Length || double.IsNaN(all[candidate].First))
        {
            return;
        }

        var expected = all[candidate];
        json.WriteStartObject("expected_ms");
        WriteKnown(json, FirstToken, expected.First);
        WriteKnown(json, PerToken, expected.Each);
        json.WriteEndObject();
        json.WriteStartArray("misses");
        if (attempt.Slo.MissesFirstToken(expected))
        {
            json.WriteStringValue(FirstToken);
        }

        if (attempt.Slo.MissesPerToken(expected))
        {
            json.WriteStringValue(PerToken);
        }

        json.WriteEndArray();
    }

    /// <summary>What the objectives had to do with the choice, after the reason for it.</summary>
    public static string Remark(AttemptRecord attempt)
    {
        var (all, expected) = attempt.Candidates;
        var chosen = Array.FindIndex(all, c => c.Replica == attempt.Decision.Replica);
        return chosen < 0 || chosen >= expected.Length ? ""
            : attempt.Slo.IsMetBy(expected[chosen]) ? ", among those that are expected to meet the objectives"
            : "; an objective is expected to be missed";
    }

    private static void WriteKnown(Utf8JsonWriter json, string name, double seconds)
    {
        if (double.IsFinite(seconds))
        {
            json.WriteNumber(name, Math.Round(seconds * 1000, 3));
        }
    }
}
