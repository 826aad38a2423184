using System.Buffers;
using System.Text.Json;

namespace Penstock.Wire.Vllm;

/// <summary>
/// The answer of an engine that was asked for the token ids of a prompt: <c>POST /tokenize</c> of vLLM, SGLang and
/// llama.cpp (<c>tokens</c>), and vLLM's <c>/v1/chat/completions/render</c> (<c>token_ids</c>).
/// </summary>
public static class TokenIds
{
    /// <summary>Reads the ids; false where the answer is something else, with ids perhaps written.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, IBufferWriter<uint> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var reader = new Utf8JsonReader(json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isList = reader.ValueTextEquals("tokens"u8) || reader.ValueTextEquals("token_ids"u8);
                reader.Read();
                if (isList && reader.TokenType == JsonTokenType.StartArray)
                {
                    return TryReadList(ref reader, ids);
                }

                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // No answer of an engine's.
        }

        return false;
    }

    private static bool TryReadList(ref Utf8JsonReader reader, IBufferWriter<uint> ids)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            if (!reader.TryGetUInt32(out var id))
            {
                return false;
            }

            ids.GetSpan(1)[0] = id;
            ids.Advance(1);
        }

        return reader.TokenType == JsonTokenType.EndArray;
    }
}
