using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Answers;
using Penstock.Cli.Engine.Calls;

namespace Penstock.Cli.Engine;

/// <summary>
/// The HTTP surface of one simulated engine: the pages of its kind, inference, and <c>/faults</c>.
/// </summary>
internal static class EngineApi
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private delegate InferenceCall? CallReader(JsonBody body);

    public static Task ServeAsync(SimulatedEngine engine, HttpContext http)
    {
        var method = HttpMethods.IsHead(http.Request.Method) ? HttpMethods.Get : http.Request.Method;
        if (engine.Kind.Serve(engine, http, $"{method} {http.Request.Path.Value}") is { } served)
        {
            return served;
        }

        var post = HttpMethods.IsPost(method);
        var get = HttpMethods.IsGet(method);
        return http.Request.Path.Value switch
        {
            "/v1/chat/completions" => post
                ? AnswerAsync(engine, http, ChatBody.Read, ChatFormat.Instance) : NotAllowed(http),
            "/v1/messages" => post
                ? AnswerAsync(engine, http, MessagesBody.Read, MessagesFormat.Instance) : NotAllowed(http),
            "/v1/completions" => post
                ? AnswerAsync(engine, http, CompletionBody.Read, CompletionFormat.Instance) : NotAllowed(http),
            "/v1/messages/count_tokens" => post ? CountAsync(engine, http) : NotAllowed(http),
            "/faults" => post ? FaultApi.SetAsync(engine, http) : FaultApi.GetAsync(engine, http),
            "/v1/models" => get ? StatusApi.ModelsAsync(engine, http) : NotAllowed(http),
            { } path when engine.Kind.HasPage(path) => NotAllowed(http),
            _ => DetailAsync(http, 404, "Not Found"),
        };
    }

    /// <summary>Writes one JSON document as the answer.</summary>
    public static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write, int status = 200)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await using (var json = new Utf8JsonWriter(http.Response.BodyWriter, Json))
        {
            write(json);
        }

        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    public static Task WriteErrorAsync(HttpContext http, EngineError error)
    {
        var anthropic = http.Request.Path.StartsWithSegments("/v1/messages", StringComparison.Ordinal);
        return WriteAsync(http, json => error.Write(json, anthropic), error.Status);
    }

    /// <summary>
    /// Reads the body and gives it to <paramref name="use"/>; a body that cannot be used is answered here.
    /// </summary>
    public static async Task WithBodyAsync(HttpContext http, Func<JsonBody, Task<EngineError?>> use)
    {
        var outcome = await RequestBody.ReadAsync(http.Request);
        using var document = outcome.Document;
        var error = outcome.Error;
        if (document is not null)
        {
            var body = new JsonBody(document.RootElement);
            error = await use(body) ?? body.Error;
        }

        if (error is not null)
        {
            await WriteErrorAsync(http, error);
        }
    }

    private static async Task AnswerAsync(
        SimulatedEngine engine, HttpContext http, CallReader read, IAnswerFormat format)
    {
        InferenceCall? call = null;
        await WithBodyAsync(http, body =>
        {
            call = Read(read, body);
            return Task.FromResult<EngineError?>(null);
        });

        // The body is let go before the answer begins, which may take minutes.
        if (call is not null && await new AnswerRun(engine, http, call, format).RunAsync() is { } refused)
        {
            await WriteErrorAsync(http, refused);
        }
    }

    private static Task CountAsync(SimulatedEngine engine, HttpContext http) => WithBodyAsync(http, async body =>
    {
        if (Read(MessagesBody.ReadForCount, body) is not { } call)
        {
            return null;
        }

        if (call.Model is { } model && !engine.Options.Serves(model))
        {
            return EngineError.UnknownModel(model);
        }

        await WriteAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("input_tokens"u8, call.Prompt.Count);
            json.WriteEndObject();
        });
        return null;
    });

    private static InferenceCall? Read(CallReader read, JsonBody body)
    {
        try
        {
            return read(body);
        }
        catch (InvalidOperationException)
        {
            // The JSON reader's word for an escape that is half of a surrogate pair.
            body.Fail("a string in the body is not valid Unicode", "body");
            return null;
        }
    }

    private static Task NotAllowed(HttpContext http) => DetailAsync(http, 405, "Method Not Allowed");

    /// <summary>The way FastAPI answers before a handler is reached.</summary>
    private static Task DetailAsync(HttpContext http, int status, string detail) => WriteAsync(
        http,
        json =>
        {
            json.WriteStartObject();
            json.WriteString("detail"u8, detail);
            json.WriteEndObject();
        },
        status);
}
