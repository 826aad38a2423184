using System.Diagnostics;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>
/// What a span tells of its request when that ends: attributes of the conventions, the gateway's own ids, and an event
/// for each attempt. Never prompt text, never a key.
/// </summary>
internal static class RequestSpan
{
    public static void End(Exchange x, in RequestEnd end)
    {
        var span = x.Span!;
        if (span.IsAllDataRequested)
        {
            Describe(span, x, in end);
        }

        span.Dispose();
        x.Span = null;
    }

    private static void Describe(Activity span, Exchange x, in RequestEnd end)
    {
        var operation = x.Operation == Operation.Generate ? GenAi.Chat : GenAi.CountTokens;
        span.SetTag(GenAi.OperationName, operation);
        span.SetTag("penstock.request_id", x.IdText);
        span.SetTag("penstock.dialect", RequestEnd.NameOf(x.Dialect));
        span.SetTag("penstock.outcome", end.Outcome);
        span.SetTag("penstock.overhead_ms", end.Overhead.TotalMilliseconds);
        span.SetTag(GenAi.HttpStatus, end.Status);
        if (x.Model is { } model)
        {
            span.DisplayName = $"{operation} {model.Id}";
            span.SetTag(GenAi.RequestModel, model.Id);
        }

        if (x.Scan.MaxTokens > 0)
        {
            span.SetTag(GenAi.RequestMaxTokens, x.Scan.MaxTokens);
        }

        if (x.Attempts > 0)
        {
            var attempt = x.Attempt;
            span.SetTag(GenAi.ProviderName, attempt.Pool.Snapshot.Provider);
            span.SetTag(GenAi.ServerAddress, attempt.Replica.Snapshot.Url.Host);
            span.SetTag(GenAi.ServerPort, attempt.Replica.Snapshot.Url.Port);
            span.SetTag("penstock.pool", attempt.Pool.Snapshot.Name);
            span.SetTag("penstock.replica", attempt.Replica.Name);
        }

        if (end.Record is { } record)
        {
            DescribeAnswer(span, record, x.Operation);
        }

        if (end.Outcome != "completed")
        {
            span.SetTag(GenAi.ErrorType, end.Outcome);
            span.SetStatus(ActivityStatusCode.Error);
        }
    }

    private static void DescribeAnswer(Activity span, DecisionRecord record, Operation operation)
    {
        span.SetTag("penstock.decision_id", DecisionLog.Format(record.Id));
        if (operation == Operation.Generate)
        {
            span.SetTag(GenAi.InputTokens, record.Usage.Prompt);
            span.SetTag(GenAi.OutputTokens, record.Usage.Output);
            span.SetTag(GenAi.CacheReadTokens, record.Usage.CacheRead);
            span.SetTag(GenAi.CacheCreationTokens, record.Usage.CacheWrite5m + record.Usage.CacheWrite1h);
        }

        foreach (var attempt in record.Attempts)
        {
            var replica = attempt.Decision.Found ? attempt.ReplicaNames[attempt.Decision.Replica] : RequestMetrics.None;
            var tags = new ActivityTagsCollection
            {
                ["penstock.pool"] = attempt.Pool,
                ["penstock.replica"] = replica,
                ["penstock.outcome"] = attempt.Outcome,
            };
            span.AddEvent(new ActivityEvent("attempt", record.At + attempt.At, tags));
        }
    }
}
