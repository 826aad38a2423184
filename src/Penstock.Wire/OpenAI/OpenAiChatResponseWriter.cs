using System.Buffers;
using System.Text.Json;
using Penstock.Wire.Turns;

namespace Penstock.Wire.OpenAI;

/// <summary>Writes a whole chat completion. Pure; safe from any thread.</summary>
public static class OpenAiChatResponseWriter
{
    public static void Write(TurnResponse response, TranslationSettings settings, IBufferWriter<byte> output)
    {
        using var json = JsonOutput.To(output);
        json.WriteStartObject();
        json.WriteString("id"u8, $"chatcmpl-{settings.AnswerId}");
        json.WriteString("object"u8, "chat.completion"u8);
        json.WriteNumber("created"u8, settings.CreatedUnixSeconds);
        json.WriteString("model"u8, settings.ClientModel);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        WriteMessage(json, response, settings);
        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, OpenAiStop.Write(response.StopReason));
        json.WriteEndObject();
        json.WriteEndArray();
        OpenAiUsage.Write(json, response.Usage);
        json.WriteEndObject();
    }

    private static void WriteMessage(Utf8JsonWriter json, TurnResponse response, TranslationSettings settings)
    {
        var texts = response.Parts.OfType<TextPart>().Select(static part => part.Text).ToArray();
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, texts.Length == 0 ? null : string.Concat(texts));
        json.WriteString("refusal"u8, response.StopReason == StopReason.Refusal ? response.Refusal : null);
        var thinking = string.Concat(response.Parts.OfType<ThinkingPart>().Select(static part => part.Text));
        if (settings.ReasoningContent && thinking.Length > 0)
        {
            json.WriteString("reasoning_content"u8, thinking);
        }

        var calls = response.Parts.OfType<ToolCallPart>().ToArray();
        if (calls.Length > 0)
        {
            json.WriteStartArray("tool_calls"u8);
            foreach (var call in calls)
            {
                OpenAiMessageWriter.WriteCall(json, call);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
