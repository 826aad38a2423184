using System.Text.Json;

namespace Penstock.Wire.Turns;

/// <summary>
/// Walks the fields of one JSON object in a span, without allocating: strings are given as they stand, escapes and
/// all; objects and arrays as their bytes, to be walked in turn.
/// </summary>
internal ref struct JsonFields
{
    private readonly ReadOnlySpan<byte> _json;
    private Utf8JsonReader _reader;

    /// <exception cref="JsonException">The bytes do not start with a JSON object.</exception>
    public JsonFields(ReadOnlySpan<byte> json)
    {
        _json = json;
        _reader = new Utf8JsonReader(json);
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("an object was expected");
        }
    }

    /// <summary>What kind of value the field has.</summary>
    public JsonTokenType Kind { get; private set; }

    /// <summary>The value: of a string what is between the quotes, else all its bytes.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    private ReadOnlySpan<byte> Name { get; set; }

    /// <summary>The value of a string field; empty for any other kind.</summary>
    public readonly ReadOnlySpan<byte> Text => Kind == JsonTokenType.String ? Value : default;

    /// <summary>The bytes of an object; empty for any other kind.</summary>
    public readonly ReadOnlySpan<byte> Object => Kind == JsonTokenType.StartObject ? Value : default;

    /// <summary>The bytes of an array; empty for any other kind.</summary>
    public readonly ReadOnlySpan<byte> Array => Kind == JsonTokenType.StartArray ? Value : default;

    /// <summary>The value of a whole number that is not negative; 0 for anything else.</summary>
    public readonly long Count =>
        Kind == JsonTokenType.Number && System.Buffers.Text.Utf8Parser.TryParse(Value, out long n, out var used)
            && used == Value.Length && n > 0 ? Math.Min(n, TokensMax) : 0;

    // Far above any real count, far below what a sum of a few could overflow.
    private const long TokensMax = 1L << 50;

    /// <summary>Goes to the next field.</summary>
    /// <returns>False at the end of the object.</returns>
    public bool Next()
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.PropertyName)
        {
            // Past the object nothing but white space may follow: the reader throws otherwise.
            while (_reader.Read())
            {
            }

            return false;
        }

        Name = _reader.ValueSpan;
        _reader.Read();
        Kind = _reader.TokenType;
        if (Kind is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            var from = (int)_reader.TokenStartIndex;
            _reader.Skip();
            Value = _json[from..(int)_reader.BytesConsumed];
        }
        else
        {
            Value = _reader.ValueSpan;
        }

        return true;
    }

    /// <summary>Whether the field has this name. Names that matter are never written with escapes.</summary>
    public readonly bool Is(ReadOnlySpan<byte> name) => Name.SequenceEqual(name);
}

/// <summary>
/// Walks the items of one JSON array of objects in a span, without allocating; other items are skipped.
/// </summary>
internal ref struct JsonObjects
{
    private readonly ReadOnlySpan<byte> _json;
    private Utf8JsonReader _reader;

    public JsonObjects(ReadOnlySpan<byte> array)
    {
        _json = array;
        _reader = new Utf8JsonReader(array);
        if (!array.IsEmpty)
        {
            _reader.Read();
        }
    }

    public ReadOnlySpan<byte> Current { get; private set; }

    public bool Next()
    {
        while (!_json.IsEmpty && _reader.Read())
        {
            if (_reader.TokenType == JsonTokenType.StartObject)
            {
                var from = (int)_reader.TokenStartIndex;
                _reader.Skip();
                Current = _json[from..(int)_reader.BytesConsumed];
                return true;
            }

            _reader.Skip();
        }

        return false;
    }
}
