using System.Text.Json;

namespace Penstock.Cli.Engine.Calls;

/// <summary>Reads the fields of a body and keeps the first thing that is wrong with it.</summary>
internal sealed class JsonBody(JsonElement root)
{
    public JsonElement Root => root;

    /// <summary>The first field at fault; null while all is well.</summary>
    public EngineError? Error { get; private set; }

    public void Fail(string message, string param) => Error ??= EngineError.Malformed(message, param);

    /// <summary>A field that is there and not null.</summary>
    public bool Has(string name, out JsonElement value) =>
        root.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    public string? Text(string name, bool required = false)
    {
        if (!Has(name, out var value))
        {
            return required ? Missing<string>(name) : null;
        }

        return value.ValueKind == JsonValueKind.String ? value.GetString() : Wrong<string>(name, "a valid string");
    }

    public bool Flag(string name)
    {
        if (!Has(name, out var value))
        {
            return false;
        }

        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => Wrong<bool>(name, "a valid boolean"),
        };
    }

    /// <summary>A whole number of at least <paramref name="min"/>; one that no int holds is the largest int.</summary>
    public int? Count(string name, int min, bool required = false)
    {
        if (!Has(name, out var value))
        {
            return required ? Missing<int?>(name) : null;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var number))
        {
            return Wrong<int?>(name, "a valid integer");
        }

        if (number < min)
        {
            Fail($"{name} must be at least {min}, got {number}.", name);
            return null;
        }

        return (int)Math.Min(number, int.MaxValue);
    }

    /// <summary>A list that must be there and hold something.</summary>
    public JsonElement List(string name)
    {
        if (!Has(name, out var value))
        {
            return Missing<JsonElement>(name);
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return Wrong<JsonElement>(name, "a valid list");
        }

        if (value.GetArrayLength() == 0)
        {
            Fail($"{name}: List should have at least 1 item", name);
        }

        return value;
    }

    /// <summary>A text or a list of texts; empty where the field is not there.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (!Has(name, out var value))
        {
            return [];
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return [value.GetString()!];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return Wrong<IReadOnlyList<string>>(name, "a valid list") ?? [];
        }

        List<string> texts = [];
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
            {
                Fail($"{name}: Input should be a valid string", name);
                break;
            }

            texts.Add(item.GetString()!);
        }

        return texts;
    }

    private T? Missing<T>(string name)
    {
        Fail($"{name}: Field required", name);
        return default;
    }

    private T? Wrong<T>(string name, string wanted)
    {
        Fail($"{name}: Input should be {wanted}", name);
        return default;
    }
}
