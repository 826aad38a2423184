using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Penstock.Engines.Http;

/// <summary>The head of an HTTP/1.1 request, written as it is built (RFC 9112 §3).</summary>
internal sealed class H1Request : UpstreamRequest
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(2048);
    private int _length;
    private bool _complete;

    public H1Request(string authority, string path)
    {
        Write("POST ");
        Write(path);
        Write(" HTTP/1.1\r\nhost: ");
        Write(authority);
        Write("\r\n");
    }

    /// <summary>Ends the head, once; the body of that length follows.</summary>
    public ReadOnlyMemory<byte> Complete(long bodyLength)
    {
        if (!_complete)
        {
            _complete = true;
            Write("content-length: ");
            Reserve(20);
            Utf8Formatter.TryFormat(bodyLength, _bytes.AsSpan(_length), out var written);
            _length += written;
            Write("\r\n\r\n");
        }

        return _bytes.AsMemory(0, _length);
    }

    protected override void Add(string name, string value)
    {
        Write(name);
        Write(": ");
        Write(value);
        Write("\r\n");
    }

    protected override void Dispose(bool disposing)
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }

        base.Dispose(disposing);
    }

    private void Write(string text)
    {
        Reserve(text.Length);
        _length += Encoding.Latin1.GetBytes(text, _bytes.AsSpan(_length));
    }

    private void Reserve(int bytes)
    {
        if (_bytes.Length - _length >= bytes)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes, _bytes.Length * 2));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
