using Penstock.Core.Outcomes;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>Everything that is told about requests: metrics, spans, and a log line each, without prompt text.</summary>
/// <param name="metrics">What counts them.</param>
/// <param name="log">What writes a line each; null: none are written.</param>
/// <param name="time">The clock that requests are timed by.</param>
internal sealed class RequestTelemetry(RequestMetrics metrics, RequestLog? log, TimeProvider time)
{
    public static void Began(Exchange x) => x.Span = TraceContext.Begin(x.Http.Request);

    public void Retried() => metrics.Retried();

    /// <summary>Called once for each request, after its settlement.</summary>
    public void Ended(Exchange x, Failure? failure)
    {
        var end = RequestEnd.Of(x, failure, time);
        metrics.Ended(x, in end);
        if (log is not null)
        {
            RequestLine.Write(log, x, in end);
        }

        if (x.Span is not null)
        {
            RequestSpan.End(x, in end);
        }
    }
}
