using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Penstock.Gateway.Observability;

/// <summary>
/// Writes one flat JSON object as UTF-8 into a given buffer, and nothing else: no nesting, no options, no allocation.
/// Names are trusted, values are escaped. What does not fit makes <see cref="Finish"/> return nothing.
/// </summary>
internal ref struct JsonLine
{
    /// <summary>Characters of one value at most; what is longer is cut.</summary>
    private const int ValueCharsMax = 256;

    private static readonly SearchValues<char> Escaped = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(i => (char)i), '"', '\\', '\u007f']);

    private readonly Span<byte> _buffer;
    private int _at;
    private bool _full;

    public JsonLine(Span<byte> buffer)
    {
        _buffer = buffer;
        Raw("{"u8);
    }

    /// <param name="name">As it stands in the line: <c>"name":</c>.</param>
    /// <param name="value">Any text.</param>
    public void Text(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<char> value)
    {
        Name(name);
        Raw("\""u8);
        value = value.Length > ValueCharsMax ? value[..ValueCharsMax] : value;
        if (value.ContainsAny(Escaped))
        {
            Escape(value);
        }
        else if (Encoding.UTF8.TryGetBytes(value, _buffer[_at..], out var written))
        {
            _at += written;
        }
        else
        {
            _full = true;
        }

        Raw("\""u8);
    }

    public void Number(ReadOnlySpan<byte> name, long value)
    {
        Name(name);
        Digits(value);
    }

    /// <summary>Milliseconds with three decimals.</summary>
    public void Milliseconds(ReadOnlySpan<byte> name, TimeSpan value) =>
        Fixed(name, value.Ticks / TimeSpan.TicksPerMicrosecond, 1000);

    /// <summary><paramref name="value"/> divided by <paramref name="unit"/>, a power of ten, exact.</summary>
    public void Fixed(ReadOnlySpan<byte> name, long value, long unit)
    {
        Name(name);
        if (value < 0)
        {
            Raw("-"u8);
        }

        var (whole, rest) = Math.DivRem(Math.Abs(value), unit);
        Digits(whole);
        Raw("."u8);
        for (var digit = unit / 10; digit > 0; digit /= 10)
        {
            Byte((byte)('0' + (rest / digit % 10)));
        }
    }

    public void True(ReadOnlySpan<byte> name)
    {
        Name(name);
        Raw("true"u8);
    }

    /// <summary>UTC, as ISO 8601 has it.</summary>
    public void Time(ReadOnlySpan<byte> name, DateTimeOffset value)
    {
        Name(name);
        Raw("\""u8);
        if (Utf8Formatter.TryFormat(value.UtcDateTime, _buffer[_at..], out var written, 'O'))
        {
            _at += written;
        }
        else
        {
            _full = true;
        }

        Raw("\""u8);
    }

    /// <summary>Ends object and line. Returns its length; 0 where it did not fit.</summary>
    public int Finish()
    {
        Raw("}\n"u8);
        return _full ? 0 : _at;
    }

    private void Name(scoped ReadOnlySpan<byte> name)
    {
        if (_at > 1)
        {
            Raw(","u8);
        }

        Raw(name);
    }

    private void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.TryCopyTo(_buffer[_at..]))
        {
            _at += bytes.Length;
        }
        else
        {
            _full = true;
        }
    }

    private void Byte(byte value) => Raw([value]);

    private void Digits(long value)
    {
        if (value.TryFormat(_buffer[_at..], out var written, default, CultureInfo.InvariantCulture))
        {
            _at += written;
        }
        else
        {
            _full = true;
        }
    }

    private void Escape(scoped ReadOnlySpan<char> value)
    {
        Span<byte> bytes = stackalloc byte[4];
        Span<byte> hex = stackalloc byte[2];
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\')
            {
                Raw("\\"u8);
            }
            else if (rune.Value is < 32 or 127)
            {
                _ = rune.Value.TryFormat(hex, out _, "x2", CultureInfo.InvariantCulture);
                Raw("\\u00"u8);
                Raw(hex);
                continue;
            }

            Raw(bytes[..rune.EncodeToUtf8(bytes)]);
        }
    }
}
