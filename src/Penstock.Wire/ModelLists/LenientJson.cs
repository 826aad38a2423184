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

    public static JsonElement? Field(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    public static string? Text(this JsonElement element, string name)
    {
        if (element.Field(name) is not { ValueKind: JsonValueKind.String } value)
        {
            return null;
        }

        try
        {
            return value.GetString();
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
