using System.Text.Json;

namespace Penstock.Wire.ModelLists;

/// <summary>
/// Reads bodies that engines fill in differently from version to version: a field that is missing, renamed or of
/// another type is null, never an error.
/// </summary>
internal static class LenientJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    /// <summary>The document, or null where the bytes are no JSON.</summary>
    public static JsonDocument? TryParse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body, Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static JsonElement? Field(this JsonElement element, string name)
    {
        try
        {
            var found = element.ValueKind == JsonValueKind.Object;
            return found && element.TryGetProperty(name, out var value) ? value : null;
        }
        catch (InvalidOperationException)
        {
            return null; // Some field is named by a lone surrogate or invalid UTF-8.
        }
    }

    public static string? Text(this JsonElement element, string name) => element.Field(name)?.Text();

    /// <summary>The string that the element is; null where it is none, or none that can be decoded.</summary>
    public static string? Text(this JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // A lone surrogate or invalid UTF-8 inside the string.
        }
    }

    /// <summary>A whole number that is not negative and at most 2⁵³.</summary>
    public static long? Count(this JsonElement element, string name) =>
        element.Number(name) is { } number ? Prometheus.Gauge.Count(number) : null;

    public static double? Number(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number)
            && double.IsFinite(number) ? number : null;

    public static bool? Flag(this JsonElement element, string name) => element.Field(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>The elements of an array, at most <paramref name="max"/>; none where it is no array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement? element, int max) =>
        element is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray().Take(max) : [];
}
