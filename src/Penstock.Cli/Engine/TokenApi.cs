using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Calls;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine;

/// <summary>Text to token ids and back, as vLLM offers it.</summary>
internal static class TokenApi
{
    /// <summary>Takes <c>prompt</c>, or <c>messages</c> and <c>tools</c> as chat completions does.</summary>
    public static Task TokenizeAsync(SimulatedEngine engine, HttpContext http) =>
        EngineApi.WithBodyAsync(http, async body =>
        {
            var call = body.Has("messages", out _) ? ChatBody.Read(body) : CompletionBody.Read(body);
            if (call is null)
            {
                return null;
            }

            await EngineApi.WriteAsync(http, json =>
            {
                json.WriteStartObject();
                json.WriteNumber("count"u8, call.Prompt.Count);
                json.WriteNumber("max_model_len"u8, engine.Profile.ModelLengthMax);
                json.WriteStartArray("tokens"u8);
                foreach (var token in call.Prompt.Tokens)
                {
                    json.WriteNumberValue(token);
                }

                json.WriteEndArray();
                json.WriteNull("token_strs"u8);
                json.WriteEndObject();
            });
            return null;
        });

    public static Task DetokenizeAsync(HttpContext http) => EngineApi.WithBodyAsync(http, async body =>
    {
        var tokens = body.List("tokens");
        if (body.Error is not null || Text(tokens, body) is not { } text)
        {
            return null;
        }

        await EngineApi.WriteAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteString("prompt"u8, text.WrittenSpan);
            json.WriteEndObject();
        });
        return null;
    });

    private static ArrayBufferWriter<byte>? Text(JsonElement tokens, JsonBody body)
    {
        var text = new ArrayBufferWriter<byte>();
        foreach (var token in tokens.EnumerateArray())
        {
            if (token.ValueKind != JsonValueKind.Number || !token.TryGetUInt32(out var id)
                || !TextTokens.TryWrite(id, text))
            {
                body.Fail("tokens: not the id of a token", "tokens");
                return null;
            }
        }

        return text;
    }
}
