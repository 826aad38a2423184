using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Penstock.Wire.Scan;

/// <summary>The grammar inside of JSON strings and of words and numbers (RFC 8259, sections 3, 6 and 7).</summary>
internal static class JsonText
{
    /// <summary>A word or number of more bytes than this is refused.</summary>
    public const int ScalarBytesMax = 1024;

    private static readonly SearchValues<byte> ScalarStops = SearchValues.Create(",}] \n\r\t:\"{["u8);

    public static bool IsSpace(byte b) => b is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    /// <summary>
    /// Bytes of a string before the next one that means something: its end, an escape, a control character. All of them
    /// where there is none. Most strings of a request are shorter than a vector, so there is no set-up to pay.
    /// </summary>
    public static int PlainLength(ReadOnlySpan<byte> bytes)
    {
        ref var first = ref MemoryMarshal.GetReference(bytes);
        var at = 0;
        for (; bytes.Length - at >= Vector256<byte>.Count; at += Vector256<byte>.Count)
        {
            var next = Vector256.LoadUnsafe(ref first, (nuint)at);
            var stops = Vector256.Equals(next, Vector256.Create((byte)'"'))
                | Vector256.Equals(next, Vector256.Create((byte)'\\'))
                | Vector256.Equals(Vector256.Min(next, Vector256.Create((byte)0x1f)), next);
            var mask = stops.ExtractMostSignificantBits();
            if (mask != 0)
            {
                return at + BitOperations.TrailingZeroCount(mask);
            }
        }

        while (at < bytes.Length && bytes[at] is not ((byte)'"' or (byte)'\\' or < 0x20))
        {
            at++;
        }

        return at;
    }

    /// <summary>Bytes of the word or number at the start, as far as it has come.</summary>
    public static int ScalarLength(ReadOnlySpan<byte> bytes)
    {
        var stop = bytes.IndexOfAny(ScalarStops);
        return stop < 0 ? bytes.Length : stop;
    }

    /// <summary>The token that a whole word or number is.</summary>
    public static JsonToken ScalarToken(ReadOnlySpan<byte> scalar) =>
        scalar.SequenceEqual("true"u8) ? JsonToken.True
        : scalar.SequenceEqual("false"u8) ? JsonToken.False
        : scalar.SequenceEqual("null"u8) ? JsonToken.Null
        : JsonNumber.IsValid(scalar) ? JsonToken.Number
        : JsonToken.Error;

    /// <summary>Bytes of the escape at the start; 0: not all there yet; −1: not an escape.</summary>
    public static int EscapeLength(ReadOnlySpan<byte> escape)
    {
        if (escape.Length < 2)
        {
            return 0;
        }

        if (escape[1] != (byte)'u')
        {
            return escape[1] is (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r'
                or (byte)'t' ? 2 : -1;
        }

        var digits = escape[2..Math.Min(escape.Length, 6)];
        foreach (var digit in digits)
        {
            if (!char.IsAsciiHexDigit((char)digit))
            {
                return -1;
            }
        }

        return digits.Length == 4 ? 6 : 0;
    }
}
