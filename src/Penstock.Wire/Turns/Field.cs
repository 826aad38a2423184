using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Turns;

/// <summary>
/// A value in a body, with its place. A missing or <c>null</c> value is a field that does not exist; so is every
/// field inside it. A value of the wrong type is told to the faults, and reads as if it were missing.
/// </summary>
internal readonly struct Field(JsonElement json, FieldPath path, BodyFaults faults)
{
    private readonly FieldPath _path = path;
    private readonly BodyFaults _faults = faults;

    public bool Exists => json.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public bool IsText => json.ValueKind == JsonValueKind.String;

    public bool IsArray => json.ValueKind == JsonValueKind.Array;

    /// <summary>The place in the client's notation.</summary>
    public string Path => _path.In(_faults.Dialect);

    /// <summary>True where anything read so far was faulty.</summary>
    public bool Faulty => _faults.First is not null;

    public Field this[string name]
    {
        get
        {
            if (json.ValueKind == JsonValueKind.Object)
            {
                return json.TryGetProperty(name, out var value)
                    ? new Field(value, _path.Of(name), _faults)
                    : new Field(default, _path.Of(name), _faults);
            }

            if (Exists)
            {
                Fault("Input should be an object");
            }

            return new Field(default, _path.Of(name), _faults);
        }
    }

    /// <summary>The value as it stands, or an empty object where there is none.</summary>
    public RawJson Raw => Exists ? RawJson.CopyOf(JsonMarshal.GetRawUtf8Value(json)) : RawJson.EmptyObject;

    public void Fault(string message, FailureKind? kind = null) => _faults.Add(_path, message, kind);

    public string RequiredText() => Required().Text() ?? "";

    public string? Text()
    {
        if (!Exists)
        {
            return null;
        }

        if (IsText)
        {
            return json.GetString();
        }

        Fault("Input should be a valid string");
        return null;
    }

    public bool? Flag()
    {
        if (!Exists)
        {
            return null;
        }

        if (json.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return json.GetBoolean();
        }

        Fault("Input should be a valid boolean");
        return null;
    }

    /// <summary>A whole number of at least <paramref name="min"/>.</summary>
    public long? Integer(long min)
    {
        if (!Exists)
        {
            return null;
        }

        if (json.ValueKind != JsonValueKind.Number || !json.TryGetInt64(out var number))
        {
            Fault("Input should be a valid integer");
            return null;
        }

        if (number < min)
        {
            Fault($"Input should be greater than or equal to {min}");
            return null;
        }

        return number;
    }

    public double? Number(double min, double max)
    {
        if (!Exists)
        {
            return null;
        }

        if (json.ValueKind != JsonValueKind.Number || !json.TryGetDouble(out var number) || !double.IsFinite(number))
        {
            Fault("Input should be a valid number");
            return null;
        }

        if (number < min || number > max)
        {
            Fault($"Input should be between {min} and {max}");
            return null;
        }

        return number;
    }

    /// <summary>A JSON object as it stands.</summary>
    public RawJson? Object()
    {
        if (Exists && json.ValueKind != JsonValueKind.Object)
        {
            Fault("Input should be an object");
            return null;
        }

        return Exists ? Raw : null;
    }

    public Field Required()
    {
        if (!Exists)
        {
            Fault("Field required");
        }

        return this;
    }

    /// <summary>The items of an array; none where it does not exist.</summary>
    public ImmutableArray<T> Items<T>(Func<Field, T> read)
    {
        if (!Exists)
        {
            return [];
        }

        if (!IsArray)
        {
            Fault("Input should be a valid array");
            return [];
        }

        var items = ImmutableArray.CreateBuilder<T>(json.GetArrayLength());
        var index = 0;
        foreach (var item in json.EnumerateArray())
        {
            if (Faulty)
            {
                return [];
            }

            items.Add(read(new Field(item, _path.At(index++), _faults)));
        }

        return items.MoveToImmutable();
    }

    /// <summary>The fields of an object that are not in <paramref name="known"/>.</summary>
    public ImmutableArray<ExtraField> Extra(FrozenSet<string> known)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        ImmutableArray<ExtraField>.Builder? extra = null;
        foreach (var property in json.EnumerateObject())
        {
            var name = property.Name;
            if (!known.Contains(name))
            {
                extra ??= ImmutableArray.CreateBuilder<ExtraField>();
                extra.Add(new ExtraField(name, RawJson.CopyOf(JsonMarshal.GetRawUtf8Value(property.Value))));
            }
        }

        return extra?.ToImmutable() ?? [];
    }
}
