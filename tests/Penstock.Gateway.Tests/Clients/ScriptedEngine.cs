using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>
/// An engine that answers by a script instead of a model, over real sockets and in both dialects: offered a tool it
/// knows, it calls it; given the tool's result, it repeats it. What it speaks is what vLLM speaks (models, health,
/// version), so that a prober takes it for one. With a key it also refuses strangers, as the hosted APIs do.
/// </summary>
internal sealed class ScriptedEngine(string? key = null) : IAsyncDisposable
{
    public const string Model = "scripted-1";

    private WebApplication? _app;
    private int _requests;

    public Uri Url { get; private set; } = new("http://127.0.0.1");

    public async Task Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Use(Guard);
        _app.MapGet("/health", () => Results.Ok());
        _app.MapGet("/version", () => Results.Json(new { version = "0.11.0" }));
        _app.MapMethods("/api/hello", ["HEAD"], () => Results.Ok());
        _app.MapGet("/v1/models", Models);
        _app.MapGet("/v1/models/{id}", OneModel);
        _app.MapPost("/v1/messages", http => Answer(http, AnthropicScript.Write));
        _app.MapPost("/v1/messages/count_tokens", CountTokens);
        _app.MapPost("/v1/chat/completions", http => Answer(http, OpenAiScript.Write));
        _app.MapFallback(http => Refuse(http, 404, "no such path"));
        await _app.StartAsync(TestContext.Current.CancellationToken);
        Url = new(_app.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync(CancellationToken.None);
            await _app.DisposeAsync();
        }
    }

    private async Task Guard(HttpContext http, RequestDelegate next)
    {
        var id = $"req_{Interlocked.Increment(ref _requests)}";
        http.Response.Headers["request-id"] = id;
        http.Response.Headers["x-request-id"] = id;
        var sent = http.Request.Headers["x-api-key"].FirstOrDefault()
            ?? http.Request.Headers.Authorization.FirstOrDefault()?.Replace("Bearer ", "", StringComparison.Ordinal);
        await (key is null || sent == key || http.Request.Path.StartsWithSegments("/api")
            ? next(http)
            : Refuse(http, 401, "no such key"));
    }

    private static async Task Answer(HttpContext http, Func<HttpContext, JsonObject, Turn, Task> write)
    {
        if (await Read(http) is not { } body)
        {
            return;
        }

        await write(http, body, Turn.For(body));
    }

    private static async Task CountTokens(HttpContext http)
    {
        if (await Read(http) is { } body)
        {
            await http.Response.WriteAsJsonAsync(new { input_tokens = Turn.For(body).PromptTokens });
        }
    }

    private static async Task<JsonObject?> Read(HttpContext http)
    {
        var body = http.Request.ContentLength is > 0 ? await JsonNode.ParseAsync(http.Request.Body) as JsonObject : null;
        if (body?["messages"] is not JsonArray)
        {
            await Refuse(http, 400, "messages: Field required");
            return null;
        }

        if ((string?)body["model"] != Model)
        {
            await Refuse(http, 404, $"model: {body["model"]}");
            return null;
        }

        return body;
    }

    private static Task Models(HttpContext http) => IsAnthropic(http)
        ? http.Response.WriteAsJsonAsync(new
        {
            data = new[] { AnthropicScript.Model() }, has_more = false, first_id = Model, last_id = Model,
        })
        : http.Response.WriteAsJsonAsync(new { @object = "list", data = new[] { OpenAiScript.Model() } });

    private static Task OneModel(HttpContext http)
    {
        if ((string?)http.Request.RouteValues["id"] != Model)
        {
            return Refuse(http, 404, "no such model");
        }

        return http.Response.WriteAsJsonAsync(IsAnthropic(http) ? AnthropicScript.Model() : OpenAiScript.Model());
    }

    private static Task Refuse(HttpContext http, int status, string message)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(
            IsAnthropic(http) ? AnthropicScript.Error(status, message) : OpenAiScript.Error(status, message));
    }

    private static bool IsAnthropic(HttpContext http) => http.Request.Headers.ContainsKey("anthropic-version");
}
