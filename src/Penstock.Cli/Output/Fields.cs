using System.Globalization;
using System.Text.Json;

namespace Penstock.Cli.Output;

/// <summary>
/// Reads an answer of the admin API leniently: a field that is missing, null or of another kind reads as nothing, so
/// that a newer gateway and an older command line get along.
/// </summary>
internal static class Fields
{
    public static JsonElement? Field(this JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object
        && from.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    /// <summary>The field as it would be shown; null where there is nothing to show.</summary>
    public static string? Text(this JsonElement from, string name) =>
        from.Field(name) is { } value ? Show(value) : null;

    public static double? Number(this JsonElement from, string name) =>
        from.Field(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null;

    public static bool? Flag(this JsonElement from, string name) => from.Field(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    public static IReadOnlyList<JsonElement> Items(this JsonElement from, string name) =>
        from.Field(name) is { ValueKind: JsonValueKind.Array } value ? [.. value.EnumerateArray()] : [];

    public static IReadOnlyList<JsonProperty> Properties(this JsonElement from, string name) =>
        from.Field(name) is { ValueKind: JsonValueKind.Object } value ? [.. value.EnumerateObject()] : [];

    /// <summary>A value in one line: numbers with separators, lists with commas.</summary>
    public static string Show(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => Show(value.GetDouble()),
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.True => "yes",
        JsonValueKind.False => "no",
        JsonValueKind.Null or JsonValueKind.Undefined => "",
        JsonValueKind.Array => string.Join(", ", value.EnumerateArray().Select(Show)),
        _ => value.GetRawText(),
    };

    /// <summary>A number for people: whole ones with separators, others with three decimals at most.</summary>
    public static string Show(double number) => number.ToString("#,0.###", CultureInfo.InvariantCulture);
}
