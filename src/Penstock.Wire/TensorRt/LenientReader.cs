using System.Buffers.Text;
using System.Text.Json;
using Penstock.Core.Primitives;

namespace Penstock.Wire.TensorRt;

/// <summary>
/// Values as they come, without exceptions for those of another type. <c>Read…</c> stands on the name of a field and
/// ends on its value's last token; <c>…Here</c> looks at the token that the reader stands on.
/// </summary>
internal static class LenientReader
{
    private const int HashHexDigits = 16;

    /// <summary>The name or string here is exactly this. No engine escapes its own words, and an escape that makes no
    /// text must not be an exception.</summary>
    public static bool Is(this ref Utf8JsonReader json, ReadOnlySpan<byte> text) =>
        !json.ValueIsEscaped && json.ValueSpan.SequenceEqual(text);

    public static void SkipValue(this ref Utf8JsonReader json)
    {
        json.Read();
        json.Skip();
    }

    /// <summary>A whole number that is not negative; null: something else.</summary>
    public static long? ReadCount(this ref Utf8JsonReader json)
    {
        json.Read();
        var count = json.CountHere();
        json.Skip();
        return count;
    }

    public static long? CountHere(this ref Utf8JsonReader json) =>
        json.TokenType == JsonTokenType.Number && json.TryGetInt64(out var count) && count >= 0 ? count : null;

    /// <summary>The name of a block; null: none.</summary>
    public static ulong? ReadHash(this ref Utf8JsonReader json)
    {
        json.Read();
        var hash = json.HashHere();
        json.Skip();
        return hash;
    }

    public static ulong? HashHere(this ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.Number when json.TryGetUInt64(out var hash) => hash,
        JsonTokenType.Number when json.TryGetInt64(out var hash) => unchecked((ulong)hash),
        JsonTokenType.String => OfText(json.ValueSpan),
        _ => null,
    };

    /// <summary>Anything but null, false, zero and what is empty.</summary>
    public static bool ReadIsSet(this ref Utf8JsonReader json)
    {
        json.Read();
        switch (json.TokenType)
        {
            case JsonTokenType.StartArray or JsonTokenType.StartObject:
                var depth = json.CurrentDepth;
                json.Read();
                var isEmpty = json.CurrentDepth == depth;
                while (json.CurrentDepth > depth && json.Read())
                {
                    // To the end of the list or object.
                }

                return !isEmpty;
            case JsonTokenType.String:
                return json.ValueSpan.Length > 0;
            case JsonTokenType.Number:
                return !json.TryGetInt64(out var number) || number != 0;
            default:
                return json.TokenType == JsonTokenType.True;
        }
    }

    /// <summary>The first eight bytes of a digest in hex, as the engine itself shortens one; any other text by its
    /// own hash.</summary>
    private static ulong? OfText(ReadOnlySpan<byte> text)
    {
        if (text.Length >= HashHexDigits
            && Utf8Parser.TryParse(text[..HashHexDigits], out ulong hash, out var used, 'x') && used == HashHexDigits)
        {
            return hash;
        }

        return text.IsEmpty ? null : Hash64.Of(text);
    }
}
