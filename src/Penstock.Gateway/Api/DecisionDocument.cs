using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Core.Prefixes;
using Penstock.Core.Routing;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Api;

/// <summary>A decision as JSON: what <c>GET /admin/decisions/{id}</c> answers. Times in milliseconds. What a cost is,
/// <see cref="CostKind"/> says; of the candidates, those that cost least are there, of the last attempt.</summary>
internal static class DecisionDocument
{
    public static void Write(DecisionRecord record, Utf8JsonWriter json)
    {
        // First, or a request that ends while this is read would show as ended with an attempt in flight.
        var outcome = record.Outcome;
        var attempts = record.Attempts;
        var last = attempts.Count > 0 ? attempts[^1] : null;
        json.WriteStartObject();
        json.WriteString("id", DecisionLog.Format(record.Id));
        json.WriteString("request_id", record.RequestId);
        json.WriteString("time", record.At);
        json.WriteString("dialect", record.Dialect == Dialect.Anthropic ? "anthropic" : "openai");
        json.WriteString("key", record.Key);
        json.WriteString("model", record.Model);
        json.WriteString("requested_model", record.RequestedModel);
        json.WriteBoolean("stream", record.Stream);
        json.WriteString("outcome", outcome);
        json.WriteNumber("status", record.Status);
        if (last is not null)
        {
            WriteDecision(last, json);
        }

        json.WriteNumber("chain_blocks", record.ChainBlocks);
        WriteAttempts(attempts, json);
        WriteHints(record, json);
        WriteUsage(record, json);
        json.WriteStartObject("timings_ms");
        WriteMilliseconds(json, "routed", last?.At);
        WriteMilliseconds(json, "first_byte", record.FirstByte);
        WriteMilliseconds(json, "total", record.Total);
        json.WriteEndObject();
        json.WriteNumber("snapshot_version", record.SnapshotVersion);
        json.WriteEndObject();
    }

    private static void WriteDecision(AttemptRecord attempt, Utf8JsonWriter json)
    {
        var decision = attempt.Decision;
        json.WriteString("pool", attempt.Pool);
        json.WriteString("policy", attempt.Policy.Name);
        json.WriteString("cost_kind", attempt.Policy.Kind.ToString().ToLowerInvariant());
        if (attempt.Policy is { Kind: CostKind.Sum or CostKind.Product, Unit: { Length: > 0 } unit })
        {
            json.WriteString("cost_unit", unit);
        }

        json.WriteString("replica", NameOf(attempt, decision.Replica));
        json.WriteString("runner_up", NameOf(attempt, decision.RunnerUp));
        json.WriteString("reason", Reason(attempt));
        json.WriteNumber("prompt_tokens", decision.PromptTokens);
        json.WriteNumber("predicted_cached_tokens", decision.PredictedTokens);
        json.WriteNumber("expected_output_tokens", decision.OutputTokens);
        SloDocument.Write(attempt.Slo, json);
        json.WriteNumber("replicas_considered", attempt.Considered);
        json.WriteStartArray("candidates");
        var candidates = attempt.Candidates.All;
        var chosen = CostOf(candidates, decision.Replica);
        for (var i = 0; i < candidates.Length; i++)
        {
            json.WriteStartObject();
            WriteCandidate(attempt, in candidates[i], ShownCost.Of(candidates[i].Cost, chosen), json);
            SloDocument.WriteExpected(attempt, i, json);
            WriteFeed(in attempt.Feeds[i], json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static double CostOf(Candidate[] candidates, int replica) =>
        Array.Find(candidates, c => c.Replica == replica).Cost;

    private static void WriteCandidate(
        AttemptRecord attempt, in Candidate candidate, ShownCost cost, Utf8JsonWriter json)
    {
        json.WriteString("replica", NameOf(attempt, candidate.Replica));
        json.WriteBoolean("eligible", candidate.Ineligible == Ineligible.No);
        if (candidate.Ineligible != Ineligible.No)
        {
            json.WriteString("why_not", WhyNot(candidate.Ineligible));
        }

        if (cost.IsPassedOver)
        {
            json.WriteBoolean("passed_over", true);
        }

        if (cost.Value is { } value)
        {
            json.WriteNumber("cost", Math.Round(value, 6));
        }

        WriteTerms(attempt.Policy, in candidate, json);
        json.WriteString("cache_trust", candidate.Trust.ToString().ToLowerInvariant());
        json.WriteNumber("matched_tokens", candidate.MatchedTokens);
        WriteMatch(in candidate.Match, json);
        json.WriteNumber("uncached_tokens", candidate.UncachedTokens);
        json.WriteNumber("in_flight", candidate.InFlight);
        json.WriteNumber("prefill_tokens_in_flight", candidate.PrefillTokens);
        json.WriteNumber("decode_tokens", candidate.DecodeTokens);
        WriteAge(json, "load_age_ms", candidate.LoadAge);
        WriteAge(json, "peer_age_ms", candidate.PeerAge);
    }

    private static void WriteFeed(in FeedAge feed, Utf8JsonWriter json)
    {
        json.WriteString("cache_events", feed.StateName);
        WriteAge(json, "cache_event_age_ms", feed.LastEvent?.TotalSeconds ?? double.PositiveInfinity);
    }

    private static void WriteTerms(RoutePolicy policy, in Candidate candidate, Utf8JsonWriter json)
    {
        json.WriteStartArray("terms");
        var names = policy.TermNames;
        for (var i = 0; i < names.Length && double.IsFinite(candidate.Cost); i++)
        {
            json.WriteStartObject();
            json.WriteString("name", names[i]);
            json.WriteNumber("value", Math.Round(candidate.Terms[i], 6));
            if (policy.UnitOf(i) is { Length: > 0 } unit)
            {
                json.WriteString("unit", unit);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>What the index says, before trust, by the tier that it lies in.</summary>
    private static void WriteMatch(in PrefixMatch match, Utf8JsonWriter json)
    {
        json.WriteStartObject("index_tokens");
        json.WriteNumber("device", match.Device);
        json.WriteNumber("host", match.Host);
        json.WriteNumber("disk", match.Disk);
        json.WriteNumber("shared", match.Shared);
        json.WriteEndObject();
    }

    private static void WriteAge(Utf8JsonWriter json, string name, double seconds)
    {
        if (double.IsFinite(seconds))
        {
            json.WriteNumber(name, Math.Round(seconds * 1000, 3));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static void WriteAttempts(IReadOnlyList<AttemptRecord> attempts, Utf8JsonWriter json)
    {
        json.WriteStartArray("attempts");
        foreach (var attempt in attempts)
        {
            json.WriteStartObject();
            json.WriteString("pool", attempt.Pool);
            json.WriteString("replica", NameOf(attempt, attempt.Decision.Replica));
            json.WriteString("outcome", attempt.Outcome);
            json.WriteNumber("status", attempt.Status);
            json.WriteNumber("at_ms", Math.Round(attempt.At.TotalMilliseconds, 3));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteHints(DecisionRecord record, Utf8JsonWriter json)
    {
        json.WriteStartObject("hints");
        foreach (var (name, value) in record.Hints)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    }

    private static void WriteUsage(DecisionRecord record, Utf8JsonWriter json)
    {
        var usage = record.Usage;
        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", usage.Input);
        json.WriteNumber("cache_write_5m_tokens", usage.CacheWrite5m);
        json.WriteNumber("cache_write_1h_tokens", usage.CacheWrite1h);
        json.WriteNumber("cache_read_tokens", usage.CacheRead);
        json.WriteNumber("output_tokens", usage.Output);
        json.WriteBoolean("estimated", record.UsageIsEstimated);
        json.WriteEndObject();
        if (record.Price is { } price)
        {
            json.WriteString("price_usd", UsageDocument.Usd(price));
        }
    }

    private static string? NameOf(AttemptRecord attempt, int slot) => slot < 0 ? null : attempt.ReplicaNames[slot];

    private static string WhyNot(Ineligible ineligible) => ineligible switch
    {
        Ineligible.Draining => "draining",
        Ineligible.TriedBefore => "tried before",
        Ineligible.AtLimit => "on probation, at its limit",
        Ineligible.NoDialect => "speaks no API that is known",
        _ => "not healthy",
    };

    private static string Reason(AttemptRecord attempt)
    {
        var decision = attempt.Decision;
        if (!decision.Found)
        {
            return "no replica of the pool could be chosen";
        }

        return decision.RunnerUp < 0
            ? "the only replica that could be chosen"
            : $"lowest cost by {attempt.Policy.Name}, of {attempt.Considered} replicas{SloDocument.Remark(attempt)}";
    }

    private static void WriteMilliseconds(Utf8JsonWriter json, string name, TimeSpan? time)
    {
        if (time is { } known)
        {
            json.WriteNumber(name, Math.Round(known.TotalMilliseconds, 3));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
