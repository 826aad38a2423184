using System.Buffers;
using System.Text.Json;
using Penstock.Wire.Turns;

namespace Penstock.Wire.Anthropic;

/// <summary>
/// Writes a whole <c>Message</c> of the Messages API, every nullable field present as an explicit null. Pure; safe
/// from any thread.
/// </summary>
public static class AnthropicResponseWriter
{
    public static void Write(TurnResponse response, TranslationSettings settings, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        json.WriteStartObject();
        WriteHead(json, settings);
        json.WriteStartArray("content"u8);
        var tools = 0;
        foreach (var part in response.Parts)
        {
            if (part is ToolCallPart { Id: "" } call)
            {
                // Some engines give their calls no id; clients cannot answer a call without one.
                WritePart(json, call with { Id = $"toolu_{settings.AnswerId}_{tools}" });
            }
            else
            {
                WritePart(json, part);
            }

            tools += part is ToolCallPart ? 1 : 0;
        }

        json.WriteEndArray();
        json.WriteString("stop_reason"u8, AnthropicStop.Write(response.StopReason));
        json.WriteString("stop_sequence"u8, response.StopSequence);
        if (response.StopReason == StopReason.Refusal)
        {
            json.WritePropertyName("stop_details"u8);
            WriteRefusal(json, response.Refusal);
        }
        else
        {
            json.WriteNull("stop_details"u8);
        }

        json.WriteNull("container"u8);
        json.WriteNull("diagnostics"u8);
        AnthropicUsage.WriteWhole(json, response.Usage);
        json.WriteEndObject();
    }

    /// <summary>
    /// Writes the fields that come before <c>content</c>, of a whole message and of a stream's first event.
    /// </summary>
    internal static void WriteHead(Utf8JsonWriter json, TranslationSettings settings)
    {
        json.WriteString("id"u8, $"msg_{settings.AnswerId}");
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("model"u8, settings.ClientModel);
    }

    internal static void WriteRefusal(Utf8JsonWriter json, string? explanation)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "refusal"u8);
        json.WriteNull("category"u8);
        json.WriteString("explanation"u8, explanation);
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, TurnPart part)
    {
        switch (part)
        {
            case TextPart text:
                json.WriteStartObject();
                json.WriteString("type"u8, "text"u8);
                json.WriteString("text"u8, text.Text);
                json.WriteNull("citations"u8);
                break;
            case ThinkingPart thinking:
                json.WriteStartObject();
                json.WriteString("type"u8, "thinking"u8);
                json.WriteString("thinking"u8, thinking.Text);
                json.WriteString("signature"u8, thinking.Signature ?? "");
                break;
            case RedactedThinkingPart redacted:
                json.WriteStartObject();
                json.WriteString("type"u8, "redacted_thinking"u8);
                json.WriteString("data"u8, redacted.Data);
                break;
            case ToolCallPart call:
                json.WriteStartObject();
                json.WriteString("type"u8, "tool_use"u8);
                json.WriteString("id"u8, call.Id);
                json.WriteString("name"u8, call.Name);
                json.WriteRaw("input"u8, call.Arguments);
                WriteCaller(json);
                break;
            default:
                return;
        }

        json.WriteEndObject();
    }

    private static void WriteCaller(Utf8JsonWriter json)
    {
        json.WriteStartObject("caller"u8);
        json.WriteString("type"u8, "direct"u8);
        json.WriteEndObject();
    }
}
