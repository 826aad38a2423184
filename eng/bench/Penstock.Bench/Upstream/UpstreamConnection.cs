using System.Net.Sockets;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Upstream;

/// <summary>
/// One connection of a gateway to the paced upstream: a request being read, or a script being played.
/// </summary>
internal sealed class UpstreamConnection(Socket socket) : IDisposable
{
    private const int RequestBytesMax = 16 * 1024 * 1024;

    private byte[] _buffer = new byte[4096];
    private int _filled;
    private bool _closed;

    private StreamScript? _script;
    private int _sent;
    private int _event;
    private long _start;
    private long _gap;

    /// <summary>Takes what has arrived. False when the peer is gone.</summary>
    public bool Receive()
    {
        if (_filled == _buffer.Length)
        {
            if (_buffer.Length >= RequestBytesMax)
                return false;
            Array.Resize(ref _buffer, _buffer.Length * 4);
        }

        var read = socket.Receive(_buffer.AsSpan(_filled), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return true;
        _filled += Math.Max(read, 0);
        return error == SocketError.Success && read > 0;
    }

    /// <summary>
    /// A complete request, if there is one and no script is playing. The spans live until the next call.
    /// </summary>
    public bool TryTakeRequest(out ReadOnlySpan<byte> firstLine, out ReadOnlySpan<byte> body)
    {
        firstLine = body = default;
        var bytes = _buffer.AsSpan(0, _filled);
        if (_script is not null || !HttpHead.TryRead(bytes, out var head))
            return false;

        var length = head.Chunked ? ChunkedLength(bytes[head.Length..]) : Math.Max(head.ContentLength, 0);
        if (length < 0 || head.Length + length > _filled)
            return false;

        firstLine = bytes[..head.FirstLine];
        body = bytes.Slice(head.Length, (int)length);

        // A gateway sends its next request only after this answer, so nothing follows that would have to be kept.
        _filled = 0;
        return true;
    }

    public void Send(ReadOnlySpan<byte> answer) => socket.Send(answer, SocketFlags.None, out _);

    public void Begin(StreamScript script, long now, long gapTicks)
    {
        _script = script;
        _sent = _event = 0;
        _start = now;
        _gap = gapTicks;
    }

    /// <summary>
    /// Sends every event due by <paramref name="now"/>; returns when to come back, null when there is no more.
    /// </summary>
    public long? SendUntil(long now)
    {
        if (_closed || _script is not { } script)
            return null;

        while (_event < script.EventEnds.Length && _start + _event * _gap <= now)
            _event++;
        if (_event > 0 && _sent < script.EventEnds[_event - 1])
        {
            var due = script.Wire.AsSpan(_sent..script.EventEnds[_event - 1]);
            var sent = socket.Send(due, SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
                return null;
            _sent += Math.Max(sent, 0);
            if (_sent < script.EventEnds[_event - 1])
                return now + 1;
        }

        if (_event < script.EventEnds.Length)
            return _start + _event * _gap;
        if (!script.Held)
            _script = null;
        return null;
    }

    public void Dispose()
    {
        _closed = true;
        socket.Dispose();
    }

    /// <summary>Bytes of a chunked body with its framing; -1 while incomplete.</summary>
    private static long ChunkedLength(ReadOnlySpan<byte> framed)
    {
        var reader = default(ChunkedReader);
        var rest = framed;
        while (reader.Next(ref rest, out _))
        {
        }

        return reader.Done ? framed.Length - rest.Length : -1;
    }
}
