using System.Buffers;
using Microsoft.AspNetCore.Http;
using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Core.Outcomes;
using Penstock.Gateway.Identity;
using Penstock.Gateway.Requests;
using Penstock.Wire.Anthropic;
using Penstock.Wire.OpenAI;
using Penstock.Wire.Turns;

namespace Penstock.Gateway.Api;

/// <summary>
/// <c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>: one path for both APIs, told apart by the header
/// <c>anthropic-version</c>. A key sees the models that it may use.
/// </summary>
internal static class ModelsApi
{
    private const int PageMax = 1000;
    private const int PageDefault = 20;

    public static Task ListAsync(HttpContext http, FleetSnapshot fleet) => AnswerAsync(http, fleet, null);

    public static Task GetAsync(HttpContext http, FleetSnapshot fleet, string id) => AnswerAsync(http, fleet, id);

    private static Task AnswerAsync(HttpContext http, FleetSnapshot fleet, string? id)
    {
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
        {
            http.Response.Headers.Allow = "GET";
            return GatewayErrors.WriteAsync(
                http, new Failure(FailureKind.MethodNotAllowed, $"{http.Request.Method} is not allowed here, use GET"));
        }

        var key = KeyRing.Identify(http.Request.Headers, fleet);
        if (key is null)
        {
            return GatewayErrors.WriteAsync(http, KeyRing.Refusal(http.Request.Headers));
        }

        var dialect = http.Request.Headers.ContainsKey("anthropic-version") ? Dialect.Anthropic : Dialect.OpenAiChat;
        var visible = fleet.ModelList.Where(m => key.Models.IsEmpty || key.Models.Contains(m.Id)).ToArray();
        var body = new ArrayBufferWriter<byte>(1024);
        if (id is null)
        {
            WriteList(http.Request.Query, dialect, visible, body);
        }
        else if (Find(fleet, visible, Uri.UnescapeDataString(id)) is { } model)
        {
            Write(dialect, Entry(model), body);
        }
        else
        {
            return GatewayErrors.WriteAsync(http, new Failure(FailureKind.ModelNotFound, $"model: {id}", "model"));
        }

        return WriteAsync(http, dialect, body);
    }

    private static ModelSnapshot? Find(FleetSnapshot fleet, ModelSnapshot[] visible, string id) =>
        fleet.Models.GetValueOrDefault(id) is { } model && visible.Contains(model) ? model : null;

    private static void WriteList(
        IQueryCollection query, Dialect dialect, ModelSnapshot[] visible, ArrayBufferWriter<byte> body)
    {
        if (dialect == Dialect.OpenAiChat)
        {
            OpenAiModels.WriteList(visible.Select(Entry).ToArray(), body);
            return;
        }

        var limit = int.TryParse(query["limit"], out var asked) ? Math.Clamp(asked, 1, PageMax) : PageDefault;
        var after = Array.FindIndex(visible, m => m.Id == query["after_id"]) + 1;
        var before = Array.FindIndex(visible, m => m.Id == query["before_id"]);
        var page = visible[after..(before < after ? visible.Length : before)];
        var more = page.Length > limit;
        page = before >= after ? page[Math.Max(0, page.Length - limit)..] : page[..Math.Min(limit, page.Length)];
        AnthropicModels.WriteList(page.Select(Entry).ToArray(), more, body);
    }

    private static void Write(Dialect dialect, ModelEntry entry, ArrayBufferWriter<byte> body)
    {
        if (dialect == Dialect.Anthropic)
        {
            AnthropicModels.WriteModel(entry, body);
        }
        else
        {
            OpenAiModels.WriteModel(entry, body);
        }
    }

    private static ModelEntry Entry(ModelSnapshot model) => new(
        model.Id, model.DisplayName, model.CreatedAt, model.ContextWindow, model.MaxOutputTokens, model.Simulated);

    private static async Task WriteAsync(HttpContext http, Dialect dialect, ArrayBufferWriter<byte> body)
    {
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.WrittenCount;
        http.Response.Headers[dialect == Dialect.Anthropic ? "request-id" : "x-request-id"] =
            RequestIds.Format(Guid.CreateVersion7());
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.BodyWriter.WriteAsync(body.WrittenMemory, http.RequestAborted);
        }
    }
}
