using System.Buffers;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Gateway.Requests;
using Penstock.Wire.Errors;

namespace Penstock.Gateway.Api;

/// <summary>Errors of requests that never reach the flow, in the dialect that the caller seems to speak.</summary>
internal static class GatewayErrors
{
    /// <summary>The dialect of a caller: Anthropic's clients always send their version or their kind of key.</summary>
    public static Dialect DialectOf(HttpRequest request) =>
        request.Headers.ContainsKey("anthropic-version") || request.Headers.ContainsKey("x-api-key")
            || request.Path.StartsWithSegments("/v1/messages", StringComparison.Ordinal)
            ? Dialect.Anthropic
            : Dialect.OpenAiChat;

    public static async Task WriteAsync(HttpContext http, Failure failure, Dialect? dialect = null)
    {
        var spoken = dialect ?? DialectOf(http.Request);
        var id = RequestIds.Format(Guid.CreateVersion7());
        var body = new ArrayBufferWriter<byte>(256);
        ErrorBody.Write(spoken, failure, id, body);
        var response = http.Response;
        response.StatusCode = ErrorTable.StatusOf(spoken, failure.Kind);
        response.ContentType = "application/json";
        response.ContentLength = body.WrittenCount;
        response.Headers[spoken == Dialect.Anthropic ? "request-id" : "x-request-id"] = id;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await response.BodyWriter.WriteAsync(body.WrittenMemory, http.RequestAborted);
        }
    }
}
