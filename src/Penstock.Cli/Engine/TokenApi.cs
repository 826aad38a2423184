using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Calls;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine;

/// <summary>Text to token ids and back, as engines offer it.</summary>
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
                WriteTokens(json, "tokens"u8, call.Prompt.Tokens);
                json.WriteNull("token_strs"u8);
                json.WriteEndObject();
            });
            return null;
        });

    /// <summary>llama.cpp's form: <c>content</c> in, bare <c>tokens</c> out.</summary>
    public static Task TokenizeContentAsync(HttpContext http) => EngineApi.WithBodyAsync(http, async body =>
    {
        if (body.Text("content", required: true) is not { } text)
        {
            return null;
        }

        var prompt = new PromptTokens(Encoding.UTF8.GetBytes(text), null);
        await EngineApi.WriteAsync(http, json =>
        {
            json.WriteStartObject();
            WriteTokens(json, "tokens"u8, prompt.Tokens);
            json.WriteEndObject();
        });
        return null;
    });

    /// <summary>
    /// The tokens of the prompt that a request would have, as vLLM tells them without computing anything: one object
    /// for a chat, a list of them for a completion.
    /// </summary>
    public static Task RenderAsync(SimulatedEngine engine, HttpContext http, bool chat) =>
        EngineApi.WithBodyAsync(http, async body =>
        {
            if ((chat ? ChatBody.Read(body) : CompletionBody.Read(body)) is not { } call)
            {
                return null;
            }

            if (call.Model is { } model && !engine.Options.Serves(model))
            {
                return EngineError.UnknownModel(model);
            }

            await EngineApi.WriteAsync(http, json =>
            {
                if (!chat)
                {
                    json.WriteStartArray();
                }

                json.WriteStartObject();
                json.WriteString("request_id"u8, $"render-{engine.NextAnswerId()}");
                WriteTokens(json, "token_ids"u8, call.Prompt.Tokens);
                json.WriteString("model"u8, call.Model ?? engine.Options.Models[0]);
                json.WriteEndObject();
                if (!chat)
                {
                    json.WriteEndArray();
                }
            });
            return null;
        });

    /// <param name="http">The request.</param>
    /// <param name="name">The field of the text in the answer.</param>
    public static Task DetokenizeAsync(HttpContext http, string name = "prompt") =>
        EngineApi.WithBodyAsync(http, async body =>
        {
            var tokens = body.List("tokens");
            if (body.Error is not null || Text(tokens, body) is not { } text)
            {
                return null;
            }

            await EngineApi.WriteAsync(http, json =>
            {
                json.WriteStartObject();
                json.WriteString(name, text.WrittenSpan);
                json.WriteEndObject();
            });
            return null;
        });

    private static void WriteTokens(Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlySpan<uint> tokens)
    {
        json.WriteStartArray(name);
        foreach (var token in tokens)
        {
            json.WriteNumberValue(token);
        }

        json.WriteEndArray();
    }

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
