using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Penstock.Engines.Http;

/// <summary>
/// One HTTP/1.1 connection to an engine, used for one exchange at a time. Receives straight into one rented buffer and
/// hands out the payload where it lies. Not thread-safe, but for <see cref="Abort"/>.
/// </summary>
internal sealed class H1Connection : IDisposable
{
    private const int BufferBytes = 8 * 1024;
    private const int HeadBytesMax = 64 * 1024;
    private const int FirstRefusal = 300;

    private readonly Socket _socket;
    private byte[] _buffer = [];
    private int _headLength;
    private int _bodyBase;
    private int _unread;
    private int _received;
    private H1Framing _framing;
    private volatile bool _aborted;
    private bool _closedByEngine;
    private bool _isWhole;

    private H1Connection(Socket socket) => _socket = socket;

    /// <summary>The head of the answer; its text lies in <see cref="HeadBytes"/>.</summary>
    public H1Head Head { get; } = new();

    /// <summary>The bytes of the head, without its last empty line.</summary>
    public ReadOnlySpan<byte> HeadBytes => _buffer.AsSpan(0, _headLength);

    /// <summary>Timestamp of the last use; the pool ages connections by it.</summary>
    public long IdleSince { get; set; }

    /// <summary>Nothing at all has come back in this exchange.</summary>
    public bool IsUnanswered { get; private set; }

    /// <summary>Nothing is left of the exchange and the engine keeps the connection open.</summary>
    public bool IsReusable =>
        !_aborted && !_closedByEngine && _isWhole && Head.KeepAlive && _framing.IsDone && _unread == _received;

    /// <exception cref="UpstreamException">Nothing answers there.</exception>
    public static async Task<H1Connection> OpenAsync(EndPoint engine, TimeSpan timeout, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(timeout);
        try
        {
            await socket.ConnectAsync(engine, timer.Token);
            return new H1Connection(socket);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            cancellation.ThrowIfCancellationRequested();
            var why = e is SocketException ? e.Message : "no connection in time";
            throw new UpstreamException(UpstreamFault.NotConnected, $"connecting failed: {why}", e);
        }
    }

    /// <summary>Whether the engine has closed it, or sent something that nobody asked for, while it was idle.</summary>
    public bool IsStale()
    {
        try
        {
            return _socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Sends a request and receives the head of its answer.</summary>
    public async ValueTask ExchangeAsync(H1Request request, SplicedBody body)
    {
        IsUnanswered = _isWhole = true;
        var head = request.Complete(body.Length);
        var isSmall = H1Upload.IsSmall(head, body);
        if (isSmall)
        {
            await H1Upload.SendTogetherAsync(_socket, head, body);
        }

        if (_buffer.Length == 0)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        }

        await (isSmall ? ReceiveHeadAsync() : ExchangeLargeAsync(head, body));
        _framing = Head.Status is 204 or 304 ? H1Framing.OfLength(0)
            : Head.IsChunked ? H1Framing.Chunked()
            : Head.ContentLength >= 0 ? H1Framing.OfLength(Head.ContentLength)
            : H1Framing.UntilClose();
    }

    /// <summary>The next payload of the body, empty at its end; valid until the next call.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync()
    {
        while (true)
        {
            if (_unread < _received && Decode() is { IsEmpty: false } payload)
            {
                return payload;
            }

            if (_framing.IsDone)
            {
                return default;
            }

            Compact();
            if (await ReceiveAsync() == 0)
            {
                return _framing.EndsWithConnection
                    ? EndWithConnection()
                    : throw Broken("the engine closed the connection in its answer");
            }
        }
    }

    /// <summary>Ends the exchange at once, from any thread.</summary>
    public void Abort()
    {
        _aborted = true;
        _socket.Dispose();
    }

    /// <summary>Gives the buffer back while the connection is idle.</summary>
    public void Rest()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        Rest();
    }

    /// <summary>
    /// Receives the answer's head while the body is still on its way: an engine that refuses a request need not read
    /// the rest of it, and would otherwise wait for us as we for it. A refusal ends the upload, and with it the
    /// connection; a success wants the whole of it.
    /// </summary>
    private async ValueTask ExchangeLargeAsync(ReadOnlyMemory<byte> head, SplicedBody body)
    {
        using var cut = new CancellationTokenSource();
        var sending = H1Upload.SendPiecesAsync(_socket, head, body, cut.Token);
        var answering = ReceiveHeadAsync().AsTask();
        try
        {
            await Task.WhenAny(sending, answering);
            if (answering.IsCompletedSuccessfully && Head.Status < FirstRefusal)
            {
                await sending;
            }

            await answering;
        }
        finally
        {
            // The body's memory is the caller's again as soon as this returns.
            await cut.CancelAsync();
            _isWhole = await sending;
        }
    }

    /// <summary>Receives until a head is there; interim answers (1xx) are passed over.</summary>
    private async ValueTask ReceiveHeadAsync()
    {
        _received = 0;
        var searched = 0;
        while (true)
        {
            var end = _buffer.AsSpan(searched, _received - searched).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                _headLength = searched + end + 2;
                _bodyBase = _unread = _headLength + 2;
                if (Head.Parse(HeadBytes) is { } problem)
                {
                    throw Broken($"not an answer in HTTP: {problem}");
                }

                if (Head.Status >= 200)
                {
                    return;
                }

                _buffer.AsSpan(_unread, _received - _unread).CopyTo(_buffer);
                _received -= _unread;
                searched = 0;
                continue;
            }

            searched = Math.Max(0, _received - 3);
            if (_received == _buffer.Length)
            {
                if (_received >= HeadBytesMax)
                {
                    throw Broken($"the head of the answer is longer than {HeadBytesMax} bytes");
                }

                Grow();
            }

            if (await ReceiveAsync() == 0)
            {
                throw Broken("the engine closed the connection before its answer");
            }
        }
    }

    private ReadOnlyMemory<byte> Decode()
    {
        var bytes = _buffer.AsSpan(_unread, _received - _unread);
        if (!_framing.TryDecode(bytes, out var payload, out var consumed))
        {
            throw Broken("the engine broke the framing of its answer");
        }

        var result = _buffer.AsMemory(_unread, payload);
        _unread += consumed;
        return result;
    }

    /// <summary>Makes room behind the head, which stays where it is.</summary>
    private void Compact()
    {
        var rest = _received - _unread;
        _buffer.AsSpan(_unread, rest).CopyTo(_buffer.AsSpan(_bodyBase));
        _unread = _bodyBase;
        _received = _bodyBase + rest;
        if (_buffer.Length - _received < BufferBytes / 4)
        {
            Grow();
        }
    }

    /// <summary>Bounded by its callers: a head has a maximum, and behind it a quarter of a buffer is enough.</summary>
    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(0, _received).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync()
    {
        try
        {
            var count = await _socket.ReceiveAsync(_buffer.AsMemory(_received), SocketFlags.None);
            _received += count;
            IsUnanswered &= count == 0;
            return count;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw _aborted
                ? new OperationCanceledException("the exchange was ended", e)
                : Broken($"the connection broke: {e.Message}", e);
        }
    }

    private static UpstreamException Broken(string why, Exception? e = null) => new(UpstreamFault.Broken, why, e);

    private ReadOnlyMemory<byte> EndWithConnection()
    {
        _framing = H1Framing.OfLength(0);
        _closedByEngine = true;
        return default;
    }
}
