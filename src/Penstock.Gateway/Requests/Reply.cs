using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Engines.Http;
using Penstock.Gateway.Pools;
using Penstock.Wire.Errors;

namespace Penstock.Gateway.Requests;

/// <summary>Writes the head of every response, and the responses that are the gateway's own.</summary>
internal static class Reply
{
    private const string DecisionHeader = "penstock-decision-id";
    private const string ModelHeader = "penstock-model";
    private const string OverheadHeader = "penstock-overhead-ms";
    private const string OwnIdHeader = "penstock-request-id";

    /// <summary>Begins the response to a request that an engine answers.</summary>
    /// <param name="contentType">What the body is where it is not the engine's own; null where it is.</param>
    public static void Begin(Exchange x, UpstreamAnswer answer, TimeProvider time, string? contentType)
    {
        var response = x.Http.Response;
        if (response.HasStarted)
        {
            // The client has had pings while an attempt before this one was silent: its stream goes on with this one.
            return;
        }

        if (x.Attempts > 1)
        {
            response.Clear();
        }

        response.StatusCode = answer.Status;
        HeaderForwarding.ToClient(answer, response.Headers);
        if (contentType is not null)
        {
            response.ContentType = contentType;
        }

        Identify(x);
        if (x.ModelSubstituted)
        {
            response.Headers[ModelHeader] = x.Model.Id;
        }

        var own = time.GetElapsedTime(x.StartedAt, Math.Max(x.StartedAt, time.GetTimestamp() - x.EngineTicks));
        x.Overhead = own;
        response.Headers[OverheadHeader] = own.TotalMilliseconds.ToString("0.000", CultureInfo.InvariantCulture);
    }

    /// <summary>Writes a body of known length.</summary>
    public static async Task WriteWholeAsync(Exchange x, ReadOnlyMemory<byte> body)
    {
        x.Http.Response.ContentLength = body.Length;
        await x.Http.Response.BodyWriter.WriteAsync(body);
    }

    /// <summary>Answers with a failure, in the caller's dialect.</summary>
    public static async Task FailAsync(Exchange x, Failure failure)
    {
        if (failure.Kind == FailureKind.ClientClosed)
        {
            return;
        }

        var response = x.Http.Response;
        if (response.HasStarted)
        {
            // Nothing but pings has gone out: the client is told where it listens.
            ErrorBody.WriteStreamEvent(x.Dialect, failure, response.BodyWriter);
            await response.BodyWriter.FlushAsync();
            return;
        }

        response.Clear();
        response.StatusCode = ErrorTable.StatusOf(x.Dialect, failure.Kind);
        response.ContentType = "application/json";
        Identify(x);
        Advise(response.Headers, failure);
        var body = new ArrayBufferWriter<byte>(256);
        ErrorBody.Write(x.Dialect, failure, x.IdText, body);
        await WriteWholeAsync(x, body.WrittenMemory);
    }

    /// <summary>The same after a fault of our own, where nothing more may go wrong.</summary>
    public static async Task FailQuietlyAsync(Exchange x, Failure failure)
    {
        try
        {
            if (x.Http.Response.HasStarted)
            {
                x.Http.Abort();
                return;
            }

            await FailAsync(x, failure);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            x.Http.Abort();
        }
    }

    /// <summary>The ids by which the request is found again.</summary>
    public static void Identify(Exchange x)
    {
        var headers = x.Http.Response.Headers;
        var name = x.Dialect == Dialect.Anthropic ? "request-id" : "x-request-id";
        if (!headers.ContainsKey(name))
        {
            headers[name] = x.IdText;
        }
        else
        {
            headers[OwnIdHeader] = x.IdText;
        }

        if (x.Record is not null)
        {
            headers[DecisionHeader] = DecisionLog.Format(x.Record.Id);
        }
    }

    /// <summary>
    /// Tells the client when to come again, in whole seconds, and where it is of no use that it is not.
    /// </summary>
    private static void Advise(IHeaderDictionary headers, Failure failure)
    {
        if (failure.RetryAfter is { } wait)
        {
            headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds))
                .ToString(CultureInfo.InvariantCulture);
        }

        if (failure.Kind is FailureKind.Unauthenticated or FailureKind.NotSupported)
        {
            headers["x-should-retry"] = "false";
        }

        if (failure.Kind is FailureKind.TooLarge or FailureKind.Draining)
        {
            headers.Connection = "close";
        }
    }
}
