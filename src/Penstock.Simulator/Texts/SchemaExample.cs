using System.Text.Json;

namespace Penstock.Simulator.Texts;

/// <summary>
/// The plainest value that a JSON schema accepts, as a simulated model's tool arguments: required properties only,
/// first enum value, "simulated" for a string, 1 for a number. Keywords beyond the usual ones are not looked at.
/// </summary>
public static class SchemaExample
{
    private const int DepthMax = 32;
    private const int ItemsMax = 8;
    private const int TextMax = 1024;

    /// <summary>Writes an example of <paramref name="schema"/>; whatever is not understood becomes an object.</summary>
    public static void Write(JsonElement schema, Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        Write(schema, schema, json, 0);
    }

    private static void Write(JsonElement schema, JsonElement root, Utf8JsonWriter json, int depth)
    {
        schema = Resolve(schema, root, depth);
        if (schema.ValueKind != JsonValueKind.Object || depth > DepthMax)
        {
            json.WriteStartObject();
            json.WriteEndObject();
            return;
        }

        if (TryGiven(schema, out var given))
        {
            given.WriteTo(json);
            return;
        }

        switch (TypeOf(schema))
        {
            case "string":
                json.WriteStringValue(Text(schema));
                break;
            case "integer" or "number":
                WriteNumber(schema, json);
                break;
            case "boolean":
                json.WriteBooleanValue(true);
                break;
            case "null":
                json.WriteNullValue();
                break;
            case "array":
                WriteArray(schema, root, json, depth);
                break;
            default:
                WriteObject(schema, root, json, depth);
                break;
        }
    }

    private static JsonElement Resolve(JsonElement schema, JsonElement root, int depth)
    {
        for (; depth <= DepthMax && schema.ValueKind == JsonValueKind.Object; depth++)
        {
            if (schema.TryGetProperty("$ref", out var reference) && reference.ValueKind == JsonValueKind.String)
            {
                schema = Follow(reference.GetString()!, root);
            }
            else if (FirstOf(schema, "anyOf", out var choice) || FirstOf(schema, "oneOf", out choice)
                || (!schema.TryGetProperty("properties", out _) && FirstOf(schema, "allOf", out choice)))
            {
                schema = choice;
            }
            else
            {
                break;
            }
        }

        return schema;
    }

    private static JsonElement Follow(string reference, JsonElement root)
    {
        if (!reference.StartsWith("#/", StringComparison.Ordinal))
        {
            return default;
        }

        foreach (var step in reference[2..].Split('/'))
        {
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(step, out root))
            {
                return default;
            }
        }

        return root;
    }

    private static bool FirstOf(JsonElement schema, string keyword, out JsonElement first)
    {
        first = default;
        if (!schema.TryGetProperty(keyword, out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        foreach (var item in list.EnumerateArray())
        {
            first = item;
            return true;
        }

        return false;
    }

    private static bool TryGiven(JsonElement schema, out JsonElement value) =>
        schema.TryGetProperty("const", out value) || FirstOf(schema, "enum", out value);

    private static string? TypeOf(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out var type))
        {
            return null;
        }

        if (type.ValueKind == JsonValueKind.Array)
        {
            foreach (var one in type.EnumerateArray())
            {
                return one.ValueKind == JsonValueKind.String ? one.GetString() : null;
            }
        }

        return type.ValueKind == JsonValueKind.String ? type.GetString() : null;
    }

    private static string Text(JsonElement schema)
    {
        var text = "simulated";
        if (Number(schema, "minLength") is { } min && min > text.Length)
        {
            text = text.PadRight((int)Math.Min(min, TextMax), '.');
        }

        return Number(schema, "maxLength") is { } max && max < text.Length ? text[..(int)Math.Max(0, max)] : text;
    }

    private static void WriteNumber(JsonElement schema, Utf8JsonWriter json)
    {
        var value = 1.0;
        if (Number(schema, "minimum") is { } min)
        {
            value = Math.Max(value, min);
        }

        if (Number(schema, "maximum") is { } max)
        {
            value = Math.Min(value, max);
        }

        if (Math.Abs(value) < 1e15 && Math.Floor(value) == value)
        {
            json.WriteNumberValue((long)value);
        }
        else
        {
            json.WriteNumberValue(value);
        }
    }

    private static void WriteArray(JsonElement schema, JsonElement root, Utf8JsonWriter json, int depth)
    {
        json.WriteStartArray();
        var count = Math.Clamp(Number(schema, "minItems") ?? 0, 0, ItemsMax);
        for (var i = 0; i < count; i++)
        {
            Write(schema.TryGetProperty("items", out var items) ? items : default, root, json, depth + 1);
        }

        json.WriteEndArray();
    }

    private static void WriteObject(JsonElement schema, JsonElement root, Utf8JsonWriter json, int depth)
    {
        json.WriteStartObject();
        if (schema.TryGetProperty("required", out var required) && required.ValueKind == JsonValueKind.Array)
        {
            schema.TryGetProperty("properties", out var properties);
            foreach (var name in required.EnumerateArray())
            {
                if (name.ValueKind == JsonValueKind.String)
                {
                    json.WritePropertyName(name.GetString()!);
                    Write(Property(properties, name.GetString()!), root, json, depth + 1);
                }
            }
        }

        json.WriteEndObject();
    }

    private static JsonElement Property(JsonElement properties, string name) =>
        properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(name, out var one) ? one : default;

    private static double? Number(JsonElement schema, string keyword) =>
        schema.TryGetProperty(keyword, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var number) ? number : null;
}
