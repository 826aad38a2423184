using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>The scripted answers as the chat completions API writes them.</summary>
internal static class OpenAiScript
{
    public static object Model() => new
    {
        id = ScriptedEngine.Model,
        @object = "model",
        created = 1_767_225_600,
        owned_by = "vllm",
        max_model_len = 262_144,
    };

    public static object Error(int status, string message) => new
    {
        error = new
        {
            message,
            type = status == 401 ? "authentication_error" : "invalid_request_error",
            param = (string?)null,
            code = status switch
            {
                401 => "invalid_api_key",
                404 => "model_not_found",
                _ => null,
            },
        },
    };

    public static async Task Write(HttpContext http, JsonObject body, Turn turn)
    {
        if (body["stream"]?.GetValue<bool>() != true)
        {
            await http.Response.WriteAsJsonAsync(Completion(turn));
            return;
        }

        http.Response.ContentType = "text/event-stream; charset=utf-8";
        var withUsage = body["stream_options"]?["include_usage"]?.GetValue<bool>() == true;
        foreach (var chunk in Chunks(turn, withUsage))
        {
            await http.Response.WriteAsync($"data: {JsonSerializer.Serialize(chunk)}\n\n");
            await http.Response.Body.FlushAsync();
        }

        await http.Response.WriteAsync("data: [DONE]\n\n");
    }

    private static object Completion(Turn turn) => new
    {
        id = "chatcmpl-scripted",
        @object = "chat.completion",
        created = 1_767_225_600,
        model = ScriptedEngine.Model,
        choices = new[]
        {
            new
            {
                index = 0,
                message = new
                {
                    role = "assistant",
                    content = turn.Tool is null ? turn.Text : null,
                    refusal = (string?)null,
                    tool_calls = turn.Tool is null ? null : new[] { Call(turn, turn.Arguments) },
                },
                finish_reason = FinishReason(turn),
                logprobs = (object?)null,
            },
        },
        usage = Usage(turn),
    };

    private static IEnumerable<object> Chunks(Turn turn, bool withUsage)
    {
        yield return Chunk(new { role = "assistant", content = turn.Tool is null ? "" : null }, null);
        if (turn.Tool is not null)
        {
            yield return Chunk(new { tool_calls = new[] { Call(turn, "") } }, null);
        }

        foreach (var part in turn.Parts())
        {
            yield return turn.Tool is null
                ? Chunk(new { content = part }, null)
                : Chunk(new { tool_calls = new[] { new { index = 0, function = new { arguments = part } } } }, null);
        }

        yield return Chunk(new { }, FinishReason(turn));
        if (withUsage)
        {
            yield return Chunk([], Usage(turn));
        }
    }

    private static object Chunk(object delta, string? finishReason) =>
        Chunk([new { index = 0, delta, finish_reason = finishReason }], null);

    private static object Chunk(object[] choices, object? usage) => new
    {
        id = "chatcmpl-scripted",
        @object = "chat.completion.chunk",
        created = 1_767_225_600,
        model = ScriptedEngine.Model,
        choices,
        usage,
    };

    private static object Call(Turn turn, string arguments) =>
        new { index = 0, id = "call_scripted", type = "function", function = new { name = turn.Tool, arguments } };

    private static object Usage(Turn turn) => new
    {
        prompt_tokens = turn.PromptTokens,
        completion_tokens = turn.OutputTokens(),
        total_tokens = turn.PromptTokens + turn.OutputTokens(),
        prompt_tokens_details = new { cached_tokens = 0 },
    };

    private static string FinishReason(Turn turn) => turn.Tool is null ? "stop" : "tool_calls";
}
