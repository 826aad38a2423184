using System.Buffers.Text;
using System.Text;

namespace Penstock.Bench.Wire;

/// <summary>The few facts of an HTTP/1.1 head that framing needs, for requests and responses alike.</summary>
/// <param name="Length">Bytes of the head, its closing empty line included.</param>
/// <param name="FirstLine">Bytes of the first line, without its line end.</param>
/// <param name="ContentLength">Declared body length; -1 when the head names none.</param>
internal readonly record struct HttpHead(int Length, int FirstLine, long ContentLength, bool Chunked, bool Close)
{
    /// <summary>False while the closing empty line has not arrived.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HttpHead head)
    {
        head = default;
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;

        long contentLength = -1;
        bool chunked = false, close = false;
        var firstLine = bytes.IndexOf("\r\n"u8);
        for (var lines = bytes[firstLine..(end + 2)]; lines.Length > 2;)
        {
            lines = lines[2..];
            var next = lines.IndexOf("\r\n"u8);
            var line = lines[..next];
            lines = lines[next..];
            if (Value(line, "content-length:"u8, out var value) && Utf8Parser.TryParse(value, out long length, out _))
                contentLength = length;
            else if (Value(line, "transfer-encoding:"u8, out value))
                chunked = Ascii.EqualsIgnoreCase(value, "chunked"u8);
            else if (Value(line, "connection:"u8, out value))
                close = Ascii.EqualsIgnoreCase(value, "close"u8);
        }

        head = new HttpHead(end + 4, firstLine, contentLength, chunked, close);
        return true;
    }

    private static bool Value(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (line.Length < name.Length || !Ascii.EqualsIgnoreCase(line[..name.Length], name))
            return false;
        value = line[name.Length..].Trim((byte)' ');
        return true;
    }
}
