using System.Text.Json;

namespace Penstock.Wire.TensorRt;

/// <summary>The tokens of a block: objects with an id and an extra id, or bare numbers.</summary>
internal static class TrtllmTokens
{
    /// <summary>Adds the tokens to <paramref name="buffers"/>; the reader stands on the name of the field.</summary>
    /// <returns>True: they are plain tokens. False: one has an extra id (a part of an image), or is none at all.
    /// </returns>
    public static bool Read(ref Utf8JsonReader json, EventBuffers buffers)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return false;
        }

        var plain = true;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var (id, extra) = (json.CountHere(), false);
            if (json.TokenType == JsonTokenType.StartObject)
            {
                (id, extra) = ReadObject(ref json);
            }
            else
            {
                json.Skip();
            }

            plain &= id <= uint.MaxValue && !extra;
            buffers.AddToken(id <= uint.MaxValue ? (uint)id : 0);
        }

        return plain;
    }

    private static (long? Id, bool Extra) ReadObject(ref Utf8JsonReader json)
    {
        long? id = null;
        var extra = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.Is("token_id"u8))
            {
                id = json.ReadCount();
            }
            else if (json.Is("token_extra_id"u8))
            {
                extra = json.ReadHash() is not (null or 0);
            }
            else
            {
                json.SkipValue();
            }
        }

        return (id, extra);
    }
}
