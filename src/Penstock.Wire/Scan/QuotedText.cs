using System.Text.Json;

namespace Penstock.Wire.Scan;

/// <summary>Strings as JSON writes them.</summary>
internal static class QuotedText
{
    /// <summary>The text of a string, whose quotes are given too; U+FFFD for one that is no text: a lone surrogate, or
    /// bytes that are no UTF-8. Such a body is refused later; until then no name is equal to it.</summary>
    public static string Unescape(ReadOnlySpan<byte> quoted)
    {
        var reader = new Utf8JsonReader(quoted);
        try
        {
            reader.Read();
            return reader.GetString() ?? "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "\uFFFD";
        }
    }
}
