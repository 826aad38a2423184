using System.Text;
using System.Text.Json;
using Penstock.Core.Config;

namespace Penstock.Gateway.Configuration;

/// <summary>
/// The JSON schema of the document (draft 2020-12, https://json-schema.org/draft/2020-12/schema), made from the same
/// records that the reader fills. Editors use it to complete and check; the reader itself does not.
/// </summary>
public static class ConfigSchema
{
    /// <summary>The schema as indented JSON text that ends with a newline.</summary>
    public static string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, ConfigWriter.Options))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            json.WriteString("title", "Penstock configuration");
            WriteRecord(json, ValueShape.Document);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static void WriteRecord(Utf8JsonWriter json, RecordShape record)
    {
        json.WriteString("type", "object");
        json.WriteBoolean("additionalProperties", false);
        if (record.ExactlyOne)
        {
            json.WriteNumber("minProperties", 1);
            json.WriteNumber("maxProperties", 1);
        }

        if (record.Settings.Any(static s => s.Required))
        {
            json.WriteStartArray("required");
            foreach (var setting in record.Settings.Where(static s => s.Required))
            {
                json.WriteStringValue(setting.Name);
            }

            json.WriteEndArray();
        }

        json.WriteStartObject("properties");
        foreach (var setting in record.Settings)
        {
            json.WriteStartObject(setting.Name);
            WriteSetting(json, setting);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteSetting(Utf8JsonWriter json, SettingShape setting)
    {
        var restart = setting.About.Restart ? " Takes effect at the next start." : "";
        json.WriteString("description", setting.About.Description + restart);
        WriteValue(json, setting.Value, setting.About);
        if (setting is { Required: false, Default: { } value, Value: ScalarShape })
        {
            json.WritePropertyName("default");
            ConfigWriter.Write(json, setting.Value, value);
        }
    }

    private static void WriteValue(Utf8JsonWriter json, ValueShape shape, SettingAttribute? about)
    {
        switch (shape)
        {
            case ScalarShape scalar:
                WriteScalar(json, scalar.Type, about);
                break;
            case ListShape list:
                json.WriteString("type", "array");
                json.WriteStartObject("items");
                WriteValue(json, list.Element, about: null);
                json.WriteEndObject();
                break;
            case RecordShape { ScalarForm: { } form } record:
                json.WriteStartArray("anyOf");
                json.WriteStartObject();
                WriteSetting(json, form);
                json.WriteEndObject();
                json.WriteStartObject();
                WriteRecord(json, record);
                json.WriteEndObject();
                json.WriteEndArray();
                break;
            case RecordShape record:
                WriteRecord(json, record);
                break;
        }
    }

    private static void WriteScalar(Utf8JsonWriter json, ScalarType type, SettingAttribute? about)
    {
        json.WriteString("type", type.JsonType);
        if (type.Pattern is not null)
        {
            json.WriteString("pattern", type.Pattern);
        }

        if (type.Format is not null)
        {
            json.WriteString("format", type.Format);
        }

        if (about is null)
        {
            return;
        }

        // Bounds of durations and sizes are texts in the document: only the reader can hold them to their bounds.
        if (type.JsonType is "integer" or "number")
        {
            WriteBound(json, "minimum", about.Min);
            WriteBound(json, "maximum", about.Max);
        }

        if (KnownNames.Of(about.Vocabulary) is { IsEmpty: false } words)
        {
            json.WriteStartArray("enum");
            foreach (var word in words)
            {
                json.WriteStringValue(word);
            }

            json.WriteEndArray();
        }
    }

    private static void WriteBound(Utf8JsonWriter json, string keyword, double bound)
    {
        if (!double.IsNaN(bound))
        {
            json.WriteNumber(keyword, (decimal)bound);
        }
    }
}
