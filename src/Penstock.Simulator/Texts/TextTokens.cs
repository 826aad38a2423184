using System.Buffers;

namespace Penstock.Simulator.Texts;

/// <summary>
/// A tokenizer without a vocabulary, for engines that are simulated: a token is up to six bytes of UTF-8, at most one
/// leading space and then characters of one kind (word, space, punctuation). English comes out at about four bytes a
/// token. Equal prefixes give equal tokens up to the one that the end cuts, and a token is its own text: the six
/// bytes in the low 48 bits, their number above, so that ids stay below 2⁵³ and survive JSON.
/// </summary>
public static class TextTokens
{
    private const int BytesMax = 6;
    private const int LengthShift = 48;

    private enum Kind
    {
        Space,
        Word,
        Mark,
    }

    /// <summary>Appends the tokens of <paramref name="utf8"/>.</summary>
    public static void Append(ReadOnlySpan<byte> utf8, List<long> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        while (!utf8.IsEmpty)
        {
            var length = FirstLength(utf8);
            long token = 0;
            for (var i = 0; i < length; i++)
            {
                token |= (long)utf8[i] << (8 * i);
            }

            tokens.Add(token | ((long)length << LengthShift));
            utf8 = utf8[length..];
        }
    }

    /// <summary>The tokens of <paramref name="utf8"/>, counted.</summary>
    public static int Count(ReadOnlySpan<byte> utf8)
    {
        var count = 0;
        for (; !utf8.IsEmpty; count++)
        {
            utf8 = utf8[FirstLength(utf8)..];
        }

        return count;
    }

    /// <summary>Where each token of <paramref name="utf8"/> ends.</summary>
    public static int[] Ends(ReadOnlySpan<byte> utf8)
    {
        List<int> ends = [];
        for (var at = 0; at < utf8.Length; ends.Add(at))
        {
            at += FirstLength(utf8[at..]);
        }

        return [.. ends];
    }

    /// <summary>Writes the text of a token; false where the number is no token.</summary>
    public static bool TryWrite(long token, IBufferWriter<byte> text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var length = token >> LengthShift;
        if (length is < 1 or > BytesMax)
        {
            return false;
        }

        var span = text.GetSpan(BytesMax);
        for (var i = 0; i < (int)length; i++)
        {
            span[i] = (byte)(token >> (8 * i));
        }

        text.Advance((int)length);
        return true;
    }

    private static int FirstLength(ReadOnlySpan<byte> utf8)
    {
        var at = utf8[0] == ' ' && utf8.Length > 1 && KindOf(utf8[1]) != Kind.Space ? 1 : 0;
        var kind = KindOf(utf8[at]);
        while (at < utf8.Length && KindOf(utf8[at]) == kind)
        {
            var width = WidthOf(utf8[at]);
            if (at > 0 && at + width > BytesMax)
            {
                break;
            }

            at = Math.Min(at + width, utf8.Length);
            if (at >= BytesMax)
            {
                break;
            }
        }

        return at;
    }

    private static Kind KindOf(byte b) => b switch
    {
        (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' => Kind.Space,
        >= 0x80 => Kind.Word,
        _ when char.IsAsciiLetterOrDigit((char)b) => Kind.Word,
        _ => Kind.Mark,
    };

    private static int WidthOf(byte lead) => lead switch
    {
        >= 0xF0 => 4,
        >= 0xE0 => 3,
        >= 0xC0 => 2,
        _ => 1,
    };
}
