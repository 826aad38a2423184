using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Calls;

namespace Penstock.Cli.Engine;

/// <summary>A JSON body, or what is wrong with it.</summary>
internal readonly record struct BodyOutcome(JsonDocument? Document, EngineError? Error);

/// <summary>Reads request bodies whole: an engine needs all of a prompt before it can begin.</summary>
internal static class RequestBody
{
    public const long BytesMax = 64 * 1024 * 1024;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 256 };

    public static async Task<BodyOutcome> ReadAsync(HttpRequest request)
    {
        using var bytes = new MemoryStream((int)Math.Clamp(request.ContentLength ?? 0, 0, BytesMax));
        try
        {
            await request.Body.CopyToAsync(bytes, request.HttpContext.RequestAborted);
        }
        catch (BadHttpRequestException e)
        {
            return new BodyOutcome(null, new EngineError(e.StatusCode, "Bad Request", e.Message));
        }

        var body = bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
        if (!Utf8.IsValid(body.Span))
        {
            return Malformed("JSON decode error: the body is not UTF-8");
        }

        try
        {
            // The stream's buffer lives as long as the document: nobody writes to it any more.
            var document = JsonDocument.Parse(body, Options);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new BodyOutcome(document, null)
                : Malformed("Input should be a valid dictionary");
        }
        catch (JsonException e)
        {
            return Malformed("JSON decode error: " + e.Message);
        }
    }

    private static BodyOutcome Malformed(string message) => new(null, EngineError.Malformed(message));
}
