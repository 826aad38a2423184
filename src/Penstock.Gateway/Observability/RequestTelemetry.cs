using Microsoft.Extensions.Logging;
using Penstock.Core.Outcomes;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>Everything that is told about requests: metrics, spans, and one log line each, without prompt text.</summary>
internal sealed partial class RequestTelemetry(TimeProvider time, ILogger<RequestTelemetry> log)
{
    private long _retries;

    public static void Began(Exchange x) => x.Span = TraceContext.Begin(x.Http.Request);

    public void Retried() => Interlocked.Increment(ref _retries);

    public void Ended(Exchange x, Failure? failure)
    {
        if (log.IsEnabled(LogLevel.Information))
        {
            Log.Ended(
                log,
                x.IdText,
                x.Key?.Id ?? "-",
                x.Model?.Id ?? "-",
                x.Record?.Attempts is [.., var last] ? $"{last.Pool}/{last.Decision.Replica}" : "-",
                failure?.Kind.ToString() ?? "ok",
                x.Http.Response.StatusCode,
                time.GetElapsedTime(x.StartedAt).TotalMilliseconds,
                x.Attempts);
        }

        x.Span?.Dispose();
        x.Span = null;
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Information,
            "request {RequestId} key={Key} model={Model} replica={Replica} outcome={Outcome} status={Status} "
            + "ms={Milliseconds:0.0} attempts={Attempts}")]
        public static partial void Ended(
            ILogger logger, string requestId, string key, string model, string replica, string outcome, int status,
            double milliseconds, int attempts);
    }
}
