using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Load;

/// <summary>
/// One keep-alive connection of the load client. Sends one request at a time and checks the answer byte by byte as it
/// arrives, in whatever pieces.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    private readonly byte[] _expected;
    private readonly byte[] _head = new byte[16 * 1024];

    private ReadOnlyMemory<byte> _unsent;
    private int _headFilled;
    private bool _inBody;
    private HttpHead _framing;
    private ChunkedReader _chunks;
    private int _position;

    public LoadConnection(int port, byte[] expected)
    {
        _expected = expected;
        Socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        Socket.Blocking = false;
    }

    public Socket Socket { get; }

    /// <summary>When the request was meant to be sent, in stopwatch ticks.</summary>
    public long Intended { get; private set; }

    /// <summary>A request is under way.</summary>
    public bool Active { get; private set; }

    /// <summary>The answer is complete and right.</summary>
    public bool Done { get; private set; }

    /// <summary>Nothing of the request is left to send.</summary>
    public bool AllSent => _unsent.IsEmpty;

    /// <summary>At least one byte of the body has arrived.</summary>
    public bool HasBody => _position > 0;

    /// <summary>What is wrong with the answer; null while nothing is.</summary>
    public string? Failure { get; private set; }

    /// <summary>The peer said that it will close the connection after this answer.</summary>
    public bool Closing => _framing.Close;

    /// <summary>Starts a request; true when all of it went out.</summary>
    public bool Start(ReadOnlyMemory<byte> request, long intended)
    {
        Intended = intended;
        Active = true;
        Done = false;
        _unsent = request;
        _headFilled = _position = 0;
        _inBody = false;
        _chunks = default;
        return SendMore();
    }

    /// <summary>Sends what the socket takes; true when nothing is left.</summary>
    public bool SendMore()
    {
        while (_unsent.Length > 0)
        {
            var sent = Socket.Send(_unsent.Span, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
                return false;
            if (error != SocketError.Success)
            {
                Failure = $"send failed: {error}";
                return true;
            }

            _unsent = _unsent[sent..];
        }

        return true;
    }

    /// <summary>Reads what has arrived, through a buffer that all connections share.</summary>
    public void Receive(Span<byte> scratch)
    {
        var read = Socket.Receive(scratch, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return;
        if (error != SocketError.Success || read == 0)
            Failure = $"connection ended ({error}) at body byte {_position}";
        else
            Take(scratch[..read]);
        Active &= !Done && Failure is null;
    }

    public void Dispose() => Socket.Dispose();

    private void Take(ReadOnlySpan<byte> bytes)
    {
        if (!_inBody)
        {
            var copied = Math.Min(bytes.Length, _head.Length - _headFilled);
            bytes[..copied].CopyTo(_head.AsSpan(_headFilled));
            if (!HttpHead.TryRead(_head.AsSpan(0, _headFilled + copied), out _framing))
            {
                _headFilled += copied;
                if (_headFilled == _head.Length)
                    Failure = "response head too large";
                return;
            }

            if (!_head.AsSpan().StartsWith("HTTP/1.1 200 "u8))
            {
                Failure = System.Text.Encoding.ASCII.GetString(_head.AsSpan(0, Math.Min(_headFilled + copied, 600)));
                return;
            }

            _inBody = true;
            bytes = bytes[(_framing.Length - _headFilled)..];
        }

        if (!_framing.Chunked)
        {
            Compare(bytes);
            Done = Failure is null && _position == _framing.ContentLength;
        }
        else
        {
            while (Failure is null && _chunks.Next(ref bytes, out var data))
                Compare(data);
            Done = Failure is null && _chunks.Done;
        }

        if (Done && _position != _expected.Length)
            Failure = $"answer ended after {_position} of {_expected.Length} bytes";
    }

    private void Compare(ReadOnlySpan<byte> data)
    {
        if (!_expected.AsSpan(_position).StartsWith(data))
            Failure = $"answer differs within {data.Length} bytes after body byte {_position}";
        _position += data.Length;
    }
}
