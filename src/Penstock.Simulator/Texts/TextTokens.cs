using System.Buffers;
using System.Text;

namespace Penstock.Simulator.Texts;

/// <summary>
/// A tokenizer without a vocabulary, for engines that are simulated: a token is up to five letters and digits, or up
/// to four spaces or ASCII marks, or one character beyond ASCII, each but the spaces with at most one space before it.
/// English comes out at about four bytes a token. Equal prefixes give equal tokens up to the one that the end cuts.
/// </summary>
/// <remarks>
/// A token is its own text, packed into 32 bits, as the ids of real vocabularies fit into no more. The upper three
/// bits tell the kinds apart: 0xx a word of six bits a letter, its space in the next bit; 100 ASCII of seven bits a
/// character, which holds the space as well; 101 a code point with its space in bit 21; 110 a byte that is in no
/// valid UTF-8. No token is 0.
/// </remarks>
public static class TextTokens
{
    private const int WordMax = 5;
    private const int AsciiMax = 4;
    private const uint WordSpace = 1u << 30;
    private const uint Ascii = 0b100u << 29;
    private const uint CodePoint = 0b101u << 29;
    private const uint CodePointSpace = 1u << 21;
    private const uint RawByte = 0b110u << 29;
    private const string Letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>By byte: its number among the letters, from 1; 0 for what is none.</summary>
    private static readonly byte[] LetterNumbers = Numbered();
    private static readonly Kind[] Kinds = [.. Enumerable.Range(0, 256).Select(b => Classify((byte)b))];

    private enum Kind : byte
    {
        Space,
        Word,
        Mark,

        /// <summary>Beyond ASCII, or NUL, which cannot be told from nothing.</summary>
        Other,
    }

    /// <summary>Appends the tokens of <paramref name="utf8"/>.</summary>
    public static void Append(ReadOnlySpan<byte> utf8, List<uint> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        while (!utf8.IsEmpty)
        {
            var length = FirstLength(utf8);
            tokens.Add(Pack(utf8[..length]));
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

    /// <summary>Writes the text of a token; false, and nothing written, where the number is no token.</summary>
    public static bool TryWrite(uint token, IBufferWriter<byte> text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Span<byte> bytes = stackalloc byte[1 + WordMax];
        var length = (token >> 29) switch
        {
            < 0b100 => UnpackWord(token, bytes),
            0b100 => UnpackAscii(token & ~Ascii, bytes),
            0b101 => UnpackCodePoint(token & ~CodePoint, bytes),
            0b110 when (token & ~RawByte) <= byte.MaxValue => UnpackByte((byte)token, bytes),
            _ => 0,
        };
        text.Write(bytes[..length]);
        return length > 0;
    }

    private static int FirstLength(ReadOnlySpan<byte> utf8)
    {
        var at = utf8[0] == ' ' && utf8.Length > 1 && KindOf(utf8[1]) is Kind.Word or Kind.Mark ? 1 : 0;
        if (utf8[0] == ' ' && utf8.Length > 1 && utf8[1] >= 0x80)
        {
            return Rune.DecodeFromUtf8(utf8[1..], out _, out var width) == OperationStatus.Done ? 1 + width : 1;
        }

        var kind = KindOf(utf8[at]);
        if (kind == Kind.Other)
        {
            return utf8[0] > 0 && Rune.DecodeFromUtf8(utf8, out _, out var width) == OperationStatus.Done ? width : 1;
        }

        var max = Math.Min(utf8.Length, kind == Kind.Word ? at + WordMax : AsciiMax);
        while (at < max && KindOf(utf8[at]) == kind)
        {
            at++;
        }

        return at;
    }

    private static uint Pack(ReadOnlySpan<byte> text)
    {
        if (KindOf(text[^1]) == Kind.Word)
        {
            return PackWord(text);
        }

        if (KindOf(text[^1]) != Kind.Other)
        {
            var token = Ascii;
            for (var i = 0; i < text.Length; i++)
            {
                token |= (uint)text[i] << (7 * i);
            }

            return token;
        }

        var space = text[0] == ' ';
        return text[^1] > 0 && Rune.DecodeFromUtf8(text[(space ? 1 : 0)..], out var rune, out _) == OperationStatus.Done
            ? CodePoint | (space ? CodePointSpace : 0) | (uint)rune.Value
            : RawByte | text[0];
    }

    private static uint PackWord(ReadOnlySpan<byte> text)
    {
        var token = 0u;
        if (text[0] == ' ')
        {
            token = WordSpace;
            text = text[1..];
        }

        for (var i = 0; i < text.Length; i++)
        {
            token |= (uint)LetterNumbers[text[i]] << (6 * i);
        }

        return token;
    }

    private static int UnpackWord(uint token, Span<byte> text)
    {
        var length = 0;
        if ((token & WordSpace) != 0)
        {
            text[length++] = (byte)' ';
            token &= ~WordSpace;
        }

        if (token == 0)
        {
            return 0;
        }

        for (; token != 0; token >>= 6)
        {
            var letter = (int)(token & 63) - 1;
            if (letter < 0 || letter >= Letters.Length)
            {
                return 0;
            }

            text[length++] = (byte)Letters[letter];
        }

        return length;
    }

    private static int UnpackAscii(uint token, Span<byte> text)
    {
        var length = 0;
        for (; token != 0; token >>= 7)
        {
            if ((token & 127) == 0 || length == AsciiMax)
            {
                return 0;
            }

            text[length++] = (byte)(token & 127);
        }

        return length;
    }

    private static int UnpackCodePoint(uint token, Span<byte> text)
    {
        var space = (token & CodePointSpace) != 0 ? 1 : 0;
        if (!Rune.TryCreate(token & ~CodePointSpace, out var rune) || rune.IsAscii)
        {
            return 0;
        }

        text[0] = (byte)' ';
        return space + rune.EncodeToUtf8(text[space..]);
    }

    private static int UnpackByte(byte value, Span<byte> text)
    {
        text[0] = value;
        return 1;
    }

    private static Kind KindOf(byte b) => Kinds[b];

    private static byte[] Numbered()
    {
        var numbers = new byte[256];
        for (var i = 0; i < Letters.Length; i++)
        {
            numbers[Letters[i]] = (byte)(i + 1);
        }

        return numbers;
    }

    private static Kind Classify(byte b) => b switch
    {
        (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' => Kind.Space,
        0 or >= 0x80 => Kind.Other,
        _ when char.IsAsciiLetterOrDigit((char)b) => Kind.Word,
        _ => Kind.Mark,
    };
}
