using FsCheck;
using FsCheck.Fluent;

namespace Penstock.Wire.Tests;

/// <summary>Bodies as a broken or malicious engine may send them: cut, changed, made absurd.</summary>
internal static class Mutations
{
    private static readonly string[] Absurd =
        ["-1", "1e999", "18446744073709551616", "null", "\"x\"", "{}", "[]", "true", "1.5", "\"\\ud800\"", "-0"];

    /// <summary>The parser must take every mutation of <paramref name="body"/> without an exception.</summary>
    public static void Survives(byte[] body, Action<byte[]> parse)
    {
        for (var cut = 0; cut <= body.Length; cut++)
        {
            parse(body[..cut]);
        }

        foreach (var absurd in Absurd)
        {
            foreach (var at in Tokens(body))
            {
                parse([.. body[..at.Start], .. System.Text.Encoding.UTF8.GetBytes(absurd), .. body[at.End..]]);
            }
        }

        var changes = Arb.From(
            from at in Gen.Choose(0, body.Length - 1)
            from value in Gen.Choose(0, 255)
            from at2 in Gen.Choose(0, body.Length - 1)
            from value2 in Gen.Choose(0, 255)
            select (at, value, at2, value2));
        Prop.ForAll(changes, change =>
        {
            var mutated = body.ToArray();
            mutated[change.at] = (byte)change.value;
            mutated[change.at2] = (byte)change.value2;
            parse(mutated);
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>Where numbers and strings are, names of fields included.</summary>
    private static IEnumerable<(int Start, int End)> Tokens(byte[] body)
    {
        for (var start = 0; start < body.Length; start++)
        {
            var end = start;
            if (body[start] == '"')
            {
                end = Array.IndexOf(body, (byte)'"', start + 1) + 1;
            }
            else
            {
                while (end < body.Length && char.IsAsciiDigit((char)body[end]))
                {
                    end++;
                }
            }

            if (end > start)
            {
                yield return (start, end);
                start = end;
            }
        }
    }
}
