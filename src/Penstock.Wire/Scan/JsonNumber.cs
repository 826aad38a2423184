using System.Buffers.Text;

namespace Penstock.Wire.Scan;

/// <summary>Numbers in the grammar of RFC 8259, section 6.</summary>
internal static class JsonNumber
{
    public static bool IsValid(ReadOnlySpan<byte> number)
    {
        var at = number is [(byte)'-', ..] ? 1 : 0;
        var digits = Digits(number, at);
        if (digits == 0 || (digits > 1 && number[at] == (byte)'0'))
        {
            return false;
        }

        at += digits;
        if (at < number.Length && number[at] == (byte)'.')
        {
            digits = Digits(number, ++at);
            at += digits;
            if (digits == 0)
            {
                return false;
            }
        }

        if (at < number.Length && number[at] is (byte)'e' or (byte)'E')
        {
            at++;
            at += at < number.Length && number[at] is (byte)'+' or (byte)'-' ? 1 : 0;
            digits = Digits(number, at);
            at += digits;
            if (digits == 0)
            {
                return false;
            }
        }

        return at == number.Length;
    }

    /// <summary>The value of a whole number without fraction or exponent that fits 64 bits.</summary>
    public static bool TryInteger(ReadOnlySpan<byte> number, out long value) =>
        Utf8Parser.TryParse(number, out value, out var used) && used == number.Length;

    private static int Digits(ReadOnlySpan<byte> number, int from)
    {
        var at = from;
        while (at < number.Length && number[at] is >= (byte)'0' and <= (byte)'9')
        {
            at++;
        }

        return at - from;
    }
}
