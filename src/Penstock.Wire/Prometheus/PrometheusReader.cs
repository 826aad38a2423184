using System.Globalization;

namespace Penstock.Wire.Prometheus;

/// <summary>
/// Reads a metrics page line by line, without allocating. A line that makes no sense is skipped and counted, never an
/// error: one bad exporter line must not hide the others. Time is linear in the page.
/// Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4), which OpenMetrics
/// resembles closely enough for samples; exemplars and timestamps are passed over.
/// </summary>
public ref struct PrometheusReader(ReadOnlySpan<byte> page)
{
    private ReadOnlySpan<byte> _rest = page;

    /// <summary>Lines so far that were neither a sample nor a comment.</summary>
    public int SkippedLines { get; private set; }

    /// <summary>The next sample; false at the end of the page.</summary>
    public bool TryRead(out PrometheusSample sample)
    {
        while (_rest.Length > 0)
        {
            var end = _rest.IndexOf((byte)'\n');
            var line = TrimBlanks(end < 0 ? _rest : _rest[..end]);
            _rest = end < 0 ? default : _rest[(end + 1)..];
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (TryReadLine(line, out sample))
            {
                return true;
            }

            SkippedLines++;
        }

        sample = default;
        return false;
    }

    /// <summary>Takes <c>name="value"</c> and the comma after it off the front.</summary>
    internal static bool TryTakeLabel(
        scoped ref ReadOnlySpan<byte> rest, scoped out ReadOnlySpan<byte> name, scoped out ReadOnlySpan<byte> value)
    {
        name = default;
        value = default;
        var equals = rest.IndexOf((byte)'=');
        if (equals < 1)
        {
            return false;
        }

        name = TrimBlanks(rest[..equals]);
        var quoted = TrimBlanks(rest[(equals + 1)..]);
        if (quoted.Length < 2 || quoted[0] != '"')
        {
            return false;
        }

        var close = EndOfQuote(quoted);
        if (close < 0)
        {
            return false;
        }

        value = quoted[1..close];
        rest = TrimBlanks(quoted[(close + 1)..]);
        rest = rest.Length > 0 && rest[0] == ',' ? TrimBlanks(rest[1..]) : rest;
        return true;
    }

    private static bool TryReadLine(ReadOnlySpan<byte> line, out PrometheusSample sample)
    {
        sample = default;
        var nameEnd = line.IndexOfAny((byte)'{', (byte)' ', (byte)'\t');
        if (nameEnd < 1)
        {
            return false;
        }

        var labels = ReadOnlySpan<byte>.Empty;
        var rest = line[nameEnd..];
        if (rest[0] == '{')
        {
            var close = EndOfLabels(rest);
            if (close < 0)
            {
                return false;
            }

            labels = TrimBlanks(rest[1..close]);
            rest = rest[(close + 1)..];
        }

        rest = TrimBlanks(rest);
        var valueEnd = rest.IndexOfAny((byte)' ', (byte)'\t');
        if (!TryParseValue(valueEnd < 0 ? rest : rest[..valueEnd], out var value))
        {
            return false;
        }

        sample = new PrometheusSample(line[..nameEnd], labels, value);
        return true;
    }

    /// <summary>The index of the closing brace; braces inside quotes do not count.</summary>
    private static int EndOfLabels(ReadOnlySpan<byte> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '}')
            {
                return i;
            }

            if (text[i] == '"')
            {
                var close = EndOfQuote(text[i..]);
                if (close < 0)
                {
                    return -1;
                }

                i += close;
            }
        }

        return -1;
    }

    /// <summary>The index of the quote that closes the one at index 0; −1: none does.</summary>
    private static int EndOfQuote(ReadOnlySpan<byte> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == '"')
            {
                return i;
            }
        }

        return -1;
    }

    private static bool TryParseValue(ReadOnlySpan<byte> text, out double value)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            return true;
        }

        value = text.SequenceEqual("+Inf"u8) || text.SequenceEqual("Inf"u8) ? double.PositiveInfinity
            : text.SequenceEqual("-Inf"u8) ? double.NegativeInfinity
            : 0;
        return value != 0;
    }

    private static ReadOnlySpan<byte> TrimBlanks(ReadOnlySpan<byte> text) => text.Trim(" \t\r"u8);
}
