using System.Collections;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// Writes a document with every setting in the open, defaults included, as JSON, which the reader takes as well.
/// Secrets are not in it: a document only says where they are.
/// </summary>
public static class ConfigWriter
{
    internal static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The document as indented JSON text.</summary>
    public static string ToJson(PenstockConfig config)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            Write(json, config);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>The document as one value of a larger JSON text.</summary>
    public static void Write(Utf8JsonWriter json, PenstockConfig config) =>
        Write(json, ValueShape.Document, config);

    internal static void Write(Utf8JsonWriter json, ValueShape shape, object value)
    {
        switch (shape)
        {
            case ScalarShape scalar:
                scalar.Type.Write(json, value);
                break;
            case ListShape list:
                json.WriteStartArray();
                foreach (var item in (IEnumerable)value)
                {
                    Write(json, list.Element, item);
                }

                json.WriteEndArray();
                break;
            case RecordShape record:
                json.WriteStartObject();
                foreach (var setting in record.Settings)
                {
                    if (setting.Property.GetValue(value) is { } inner)
                    {
                        json.WritePropertyName(setting.Name);
                        Write(json, setting.Value, inner);
                    }
                }

                json.WriteEndObject();
                break;
        }
    }
}
