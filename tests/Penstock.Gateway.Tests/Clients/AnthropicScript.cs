using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>The scripted answers as the Messages API writes them.</summary>
internal static class AnthropicScript
{
    public static object Model() => new
    {
        type = "model",
        id = ScriptedEngine.Model,
        display_name = "Scripted",
        created_at = "2026-01-01T00:00:00Z",
        line = (string?)null,
        lifecycle = "active",
        deprecated_at = (string?)null,
        retires_at = (string?)null,
        max_input_tokens = 262_144,
        max_tokens = 131_072,
        capabilities = (object?)null,
    };

    public static object Error(int status, string message) => new
    {
        type = "error",
        error = new
        {
            type = status switch
            {
                401 => "authentication_error",
                404 => "not_found_error",
                _ => "invalid_request_error",
            },
            message,
        },
        request_id = (string?)null,
    };

    public static async Task Write(HttpContext http, JsonObject body, Turn turn)
    {
        if (body["stream"]?.GetValue<bool>() != true)
        {
            await http.Response.WriteAsJsonAsync(Message([Block(turn)], turn, StopReason(turn), turn.OutputTokens()));
            return;
        }

        http.Response.ContentType = "text/event-stream; charset=utf-8";
        foreach (var (name, data) in Events(turn))
        {
            await http.Response.WriteAsync($"event: {name}\ndata: {JsonSerializer.Serialize(data)}\n\n");
            await http.Response.Body.FlushAsync();
        }
    }

    private static IEnumerable<(string Name, object Data)> Events(Turn turn)
    {
        yield return ("message_start", new { type = "message_start", message = Message([], turn, null, 1) });
        object empty = turn.Tool is null
            ? new { type = "text", text = "" }
            : new { type = "tool_use", id = "toolu_scripted", name = turn.Tool, input = new { } };
        yield return ("content_block_start", new { type = "content_block_start", index = 0, content_block = empty });
        yield return ("ping", new { type = "ping" });
        foreach (var part in turn.Parts())
        {
            object delta = turn.Tool is null
                ? new { type = "text_delta", text = part }
                : new { type = "input_json_delta", partial_json = part };
            yield return ("content_block_delta", new { type = "content_block_delta", index = 0, delta });
        }

        yield return ("content_block_stop", new { type = "content_block_stop", index = 0 });
        yield return ("message_delta", new
        {
            type = "message_delta",
            delta = new { stop_reason = StopReason(turn), stop_sequence = (string?)null },
            usage = new { output_tokens = turn.OutputTokens() },
        });
        yield return ("message_stop", new { type = "message_stop" });
    }

    private static object Message(object[] content, Turn turn, string? stopReason, int outputTokens) => new
    {
        id = "msg_scripted",
        type = "message",
        role = "assistant",
        model = ScriptedEngine.Model,
        content,
        stop_reason = stopReason,
        stop_sequence = (string?)null,
        usage = new
        {
            input_tokens = turn.PromptTokens,
            cache_creation_input_tokens = (int?)null,
            cache_read_input_tokens = 0,
            output_tokens = outputTokens,
        },
    };

    private static object Block(Turn turn) => turn.Tool is null
        ? new { type = "text", text = turn.Text, citations = (object?)null }
        : new { type = "tool_use", id = "toolu_scripted", name = turn.Tool, input = JsonNode.Parse(turn.Arguments) };

    private static string StopReason(Turn turn) => turn.Tool is null ? "end_turn" : "tool_use";
}
