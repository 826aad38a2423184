using System.Buffers.Text;
using System.Text;

namespace Penstock.Engines.Http;

/// <summary>
/// The head of an HTTP/1.1 answer (RFC 9112 §4–5), read from the bytes that hold it; headers become text only when they
/// are asked for.
/// </summary>
internal sealed class H1Head
{
    private readonly List<(Range Name, Range Value)> _headers = new(16);
    private bool _closes;

    public int Status { get; private set; }

    public long ContentLength { get; private set; }

    public bool IsChunked { get; private set; }

    /// <summary>The connection may be used again.</summary>
    public bool KeepAlive { get; private set; }

    public bool IsEventStream { get; private set; }

    /// <summary>Reads a head without its last empty line; null: it is one, else what is wrong with it.</summary>
    public string? Parse(ReadOnlySpan<byte> head)
    {
        _headers.Clear();
        ContentLength = -1;
        IsChunked = IsEventStream = _closes = false;
        var at = 0;
        var first = NextLine(head, ref at);
        if (first.Length < 12 || !first.StartsWith("HTTP/1."u8) || first[8] != (byte)' '
            || !Utf8Parser.TryParse(first.Slice(9, 3), out int status, out var used) || used != 3 || status < 100)
        {
            return "the answer does not begin like HTTP/1";
        }

        Status = status;
        KeepAlive = first[7] == (byte)'1';
        while (at < head.Length)
        {
            var start = at;
            var line = NextLine(head, ref at);
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[colon - 1] is (byte)' ' or (byte)'\t')
            {
                return "a header line without a name";
            }

            var value = line[(colon + 1)..].Trim(" \t"u8);
            var valueStart = start + colon + 1 + line[(colon + 1)..].IndexOfAnyExcept((byte)' ', (byte)'\t');
            var valueRange = value.IsEmpty ? start..start : valueStart..(valueStart + value.Length);
            _headers.Add((start..(start + colon), valueRange));
            if (!Note(line[..colon], value))
            {
                return "a content-length that is none";
            }
        }

        // With two lengths, somebody in between may have understood the other one (RFC 9112 §6.3).
        KeepAlive &= !_closes && !(IsChunked && ContentLength >= 0);
        return null;
    }

    public void Visit<TState>(ReadOnlySpan<byte> head, TState state, Action<TState, string, string> visit)
    {
        foreach (var (name, value) in _headers)
        {
            visit(state, H1HeaderNames.Text(head[name]), Encoding.Latin1.GetString(head[value]));
        }
    }

    public string? Find(ReadOnlySpan<byte> head, string name)
    {
        foreach (var (at, value) in _headers)
        {
            if (Ascii.EqualsIgnoreCase(head[at], name))
            {
                return Encoding.Latin1.GetString(head[value]);
            }
        }

        return null;
    }

    private bool Note(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(name, "content-length"))
        {
            var ok = Utf8Parser.TryParse(value, out long length, out var used) && used == value.Length && length >= 0
                && (ContentLength < 0 || ContentLength == length);
            ContentLength = length;
            return ok;
        }

        if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"))
        {
            IsChunked = value.Length >= 7 && Ascii.EqualsIgnoreCase(value[^7..], "chunked");
        }
        else if (Ascii.EqualsIgnoreCase(name, "connection"))
        {
            foreach (var option in value.Split((byte)','))
            {
                var said = value[option].Trim(" \t"u8);
                _closes |= Ascii.EqualsIgnoreCase(said, "close");
                KeepAlive |= Ascii.EqualsIgnoreCase(said, "keep-alive");
            }
        }
        else if (Ascii.EqualsIgnoreCase(name, "content-type"))
        {
            IsEventStream = value.Length >= 17 && Ascii.EqualsIgnoreCase(value[..17], "text/event-stream");
        }

        return true;
    }

    private static ReadOnlySpan<byte> NextLine(ReadOnlySpan<byte> head, ref int at)
    {
        var rest = head[at..];
        var end = rest.IndexOf((byte)'\n');
        var line = end < 0 ? rest : rest[..end];
        at += end < 0 ? rest.Length : end + 1;
        return line.TrimEnd((byte)'\r');
    }
}
