using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// One type of single value that a setting can have: how it is read, written, measured against bounds, and described
/// in the schema and in errors.
/// </summary>
internal sealed record ScalarType(Type Type, string Wanted, string JsonType)
{
    private static readonly string[] TimestampForms =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
    ];

    private static readonly ImmutableArray<ScalarType> All =
    [
        new(typeof(bool), "true or false", "boolean")
        {
            Read = static n => n.Kind != ScalarKind.Boolean ? null : n.Text is "true" or "True" or "TRUE",
            Write = static (json, value) => json.WriteBooleanValue((bool)value),
        },
        new(typeof(int), "a whole number", "integer")
        {
            Read = static n => n.Kind == ScalarKind.Integer
                && int.TryParse(n.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
                ? value
                : null,
            Write = static (json, value) => json.WriteNumberValue((int)value),
            Measure = static value => (int)value,
        },
        new(typeof(long), "a whole number", "integer")
        {
            Read = static n => n.Kind == ScalarKind.Integer
                && long.TryParse(n.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
                ? value
                : null,
            Write = static (json, value) => json.WriteNumberValue((long)value),
            Measure = static value => (long)value,
        },
        new(typeof(double), "a number", "number")
        {
            Read = static n => IsNumber(n)
                && double.TryParse(n.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                && double.IsFinite(value)
                ? value
                : null,
            Write = static (json, value) => json.WriteNumberValue((double)value),
            Measure = static value => (double)value,
        },
        new(typeof(decimal), "a number", "number")
        {
            Read = static n => IsNumber(n)
                && decimal.TryParse(n.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                ? value
                : null,
            Write = static (json, value) => json.WriteNumberValue((decimal)value),
            Measure = static value => (double)(decimal)value,
        },
        new(typeof(string), "text", "string")
        {
            Read = static n => n.Kind == ScalarKind.Text ? n.Text : null,
            Write = static (json, value) => json.WriteStringValue((string)value),
        },
        new(typeof(TimeSpan), "a duration such as 150ms, 5s or 1h30m", "string")
        {
            Pattern = @"^([0-9]+(\.[0-9]+)?(d|h|m|s|ms|us))+$",
            Read = static n => DurationText.TryParse(n.Text, out var value) ? value : null,
            Write = static (json, value) => json.WriteStringValue(DurationText.Format((TimeSpan)value)),
            Measure = static value => ((TimeSpan)value).TotalSeconds,
            Show = static seconds => DurationText.Format(TimeSpan.FromSeconds(seconds)),
        },
        new(typeof(ByteSize), "a size such as 512 KiB or 32 MiB", "string")
        {
            Pattern = @"^[0-9]+(\.[0-9]+)? *(GiB|MiB|KiB|GB|MB|KB|B)$",
            Read = static n => ByteSize.TryParse(n.Text, out var value) ? value : null,
            Write = static (json, value) => json.WriteStringValue(value.ToString()),
            Measure = static value => ((ByteSize)value).Bytes,
            Show = static bytes => new ByteSize((long)bytes).ToString(),
        },
        new(typeof(Uri), "a URL such as http://127.0.0.1:8000", "string")
        {
            Format = "uri",
            Read = static n => Uri.TryCreate(n.Text, UriKind.Absolute, out var value) && n.Text.Contains("://")
                ? value
                : null,
            Write = static (json, value) => json.WriteStringValue(((Uri)value).OriginalString),
        },
        new(typeof(DateTimeOffset), "a date such as 2026-01-31 or a time such as 2026-01-31T08:00:00Z", "string")
        {
            Pattern = @"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[-+][0-9]{2}:[0-9]{2}))?$",
            Read = static n => TryReadTimestamp(n.Text, out var value) ? value : null,
            Write = static (json, value) => json.WriteStringValue(ShowTimestamp((DateTimeOffset)value)),
        },
    ];

    /// <summary>The value that a node says; null where it says none of this type.</summary>
    public required Func<ScalarNode, object?> Read { get; init; }

    public required Action<Utf8JsonWriter, object> Write { get; init; }

    /// <summary>The value as a number to hold against bounds; null for types without an order.</summary>
    public Func<object, double>? Measure { get; init; }

    /// <summary>A bound as a person would write it.</summary>
    public Func<double, string> Show { get; init; } = static n => n.ToString("0.######", CultureInfo.InvariantCulture);

    /// <summary>A regular expression that every written value matches, for the schema.</summary>
    public string? Pattern { get; init; }

    /// <summary>A format of JSON Schema.</summary>
    public string? Format { get; init; }

    /// <summary>The type for <paramref name="type"/>; null where it is not a single value.</summary>
    public static ScalarType? For(Type type) => All.FirstOrDefault(t => t.Type == type);

    /// <summary>What is wrong with a node that says no value of this type.</summary>
    public string Problem(DocumentNode node, bool secret)
    {
        var hint = (node, JsonType) switch
        {
            (ScalarNode { Kind: ScalarKind.Text, Plain: false }, "integer" or "number" or "boolean") =>
                "; write it without quotes",
            (ScalarNode { Kind: not (ScalarKind.Text or ScalarKind.Null) }, _) when Type == typeof(string) =>
                "; put it in quotes",
            _ => "",
        };
        return $"must be {Wanted}, but is {node.Describe(secret)}{hint}";
    }

    private static bool IsNumber(ScalarNode node) => node.Kind is ScalarKind.Integer or ScalarKind.Number;

    // A time of day needs its offset: "K" alone would also take none.
    private static bool TryReadTimestamp(string text, out DateTimeOffset at) =>
        DateTimeOffset.TryParseExact(
            text, TimestampForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at)
        && (text.Length == 10 || text.EndsWith('Z') || text[^6] is '+' or '-');

    private static string ShowTimestamp(DateTimeOffset at) =>
        at.Offset == TimeSpan.Zero && at.TimeOfDay == TimeSpan.Zero
            ? at.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
            : at.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", CultureInfo.InvariantCulture);
}
