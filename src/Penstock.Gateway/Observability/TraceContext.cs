using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Penstock.Engines.Http;
using Penstock.Gateway.Requests;

namespace Penstock.Gateway.Observability;

/// <summary>
/// W3C trace context, in and out: where the gateway records a span, engines see it as their parent; where it does not,
/// they see the client's.
/// </summary>
internal static class TraceContext
{
    public static readonly ActivitySource Source = new("Penstock.Gateway");

    /// <summary>Starts the span of a request, below the client's; null where nobody listens.</summary>
    public static Activity? Begin(HttpRequest request)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var parent = request.Headers.TraceParent.ToString();
        _ = ActivityContext.TryParse(parent, request.Headers.TraceState, isRemote: true, out var context);
        return Source.StartActivity("inference", ActivityKind.Server, context);
    }

    /// <summary>Tells the engine which trace the request belongs to.</summary>
    public static void Inject(Exchange x, UpstreamRequest request)
    {
        if (x.Span is { } span)
        {
            request.AddHeader("traceparent", span.Id ?? "");
            if (span.TraceStateString is { Length: > 0 } state)
            {
                request.AddHeader("tracestate", state);
            }

            return;
        }

        var from = x.Http.Request.Headers;
        if (from.TraceParent.Count > 0)
        {
            request.AddHeader("traceparent", from.TraceParent.ToString());
            if (from.TraceState.Count > 0)
            {
                request.AddHeader("tracestate", from.TraceState.ToString());
            }
        }
    }
}
