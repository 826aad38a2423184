using System.Buffers;
using System.Text.Json;

namespace Penstock.Wire.LlamaCpp;

/// <summary>
/// llama.cpp makes token ids of a chat in two steps: <c>POST /apply-template</c> gives the prompt's text, which
/// <c>POST /tokenize</c> takes as <c>content</c>. Special tokens are read and added, as for a chat.
/// </summary>
public static class LlamaCppTemplate
{
    /// <summary>Makes the second question out of the answer to the first; null where that is none.</summary>
    public static ReadOnlyMemory<byte>? ToTokenize(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("prompt"u8, out var prompt)
                || prompt.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            var question = new ArrayBufferWriter<byte>();
            using var json = new Utf8JsonWriter(question);
            json.WriteStartObject();
            json.WritePropertyName("content"u8);
            prompt.WriteTo(json);
            json.WriteBoolean("add_special"u8, true);
            json.WriteBoolean("parse_special"u8, true);
            json.WriteEndObject();
            json.Flush();
            return question.WrittenMemory;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
