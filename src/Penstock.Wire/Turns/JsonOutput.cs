using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Penstock.Wire.Turns;

/// <summary>How this room writes JSON: text as it is, escaped only where JSON demands it.</summary>
internal static class JsonOutput
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public static Utf8JsonWriter To(IBufferWriter<byte> output) => new(output, Options);

    public static void WriteRaw(this Utf8JsonWriter json, ReadOnlySpan<byte> name, RawJson value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
    }

    public static void WriteExtra(this Utf8JsonWriter json, ImmutableArray<ExtraField> extra)
    {
        foreach (var field in extra)
        {
            json.WritePropertyName(field.Name);
            json.WriteRawValue(field.Value.Utf8.Span, skipInputValidation: true);
        }
    }

    /// <summary>The text as it stands inside a JSON string, without the quotes.</summary>
    public static byte[] Escape(ReadOnlySpan<byte> utf8) =>
        JsonEncodedText.Encode(utf8, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.ToArray();

    /// <inheritdoc cref="Escape(ReadOnlySpan{byte})"/>
    public static byte[] Escape(string text) => Escape(Encoding.UTF8.GetBytes(text));
}
