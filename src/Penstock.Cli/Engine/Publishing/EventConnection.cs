using System.Buffers;
using System.Net.Sockets;
using System.Threading.Channels;
using Penstock.Wire.Zmtp;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>
/// One ZMTP connection of a socket that an engine publishes with. What is to be sent waits in a bounded queue; where
/// that is full a publisher's message is lost, and an answer waits. Thread-safe.
/// </summary>
internal sealed class EventConnection : IDisposable
{
    private const int TopicsMax = 64;

    private readonly Lock _gate = new();
    private readonly List<byte[]> _topics = [];
    private readonly Socket _socket;
    private readonly ZmtpPeer _peer;
    private readonly Channel<ReadOnlyMemory<byte>> _outgoing;
    private long _dropped;

    public EventConnection(Socket socket, ZmtpSocketType type, int queueMax)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _peer = new ZmtpPeer(type);
        _outgoing = Channel.CreateBounded<ReadOnlyMemory<byte>>(
            new BoundedChannelOptions(queueMax) { SingleReader = true });
    }

    /// <summary>Messages that the queue had no room for.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether the other end asked for messages of this topic.</summary>
    public bool Wants(ReadOnlySpan<byte> topic)
    {
        lock (_gate)
        {
            foreach (var prefix in _topics)
            {
                if (topic.StartsWith(prefix))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Sends a message unless too many wait already.</summary>
    public void Offer(ReadOnlyMemory<byte> message)
    {
        if (!_outgoing.Writer.TryWrite(message))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Sends a message once there is room for it.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation) =>
        _outgoing.Writer.WriteAsync(message, cancellation);

    /// <summary>Talks until the other end leaves or speaks nonsense.</summary>
    /// <param name="answer">What to do with a message; null: nothing.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task RunAsync(Func<EventConnection, ZmtpPeer, Task>? answer, CancellationToken cancellation)
    {
        var writing = WriteAsync(cancellation);
        try
        {
            await ReadAsync(answer, cancellation);
        }
        catch (Exception e) when (IsEnd(e))
        {
            // Gone; whoever it was comes again.
        }
        finally
        {
            _outgoing.Writer.TryComplete();
            _socket.Dispose();
            await writing;
            _peer.Dispose();
        }
    }

    /// <summary>Cuts the connection.</summary>
    public void Dispose() => _socket.Dispose();

    private static bool IsEnd(Exception e) =>
        e is SocketException or ObjectDisposedException or OperationCanceledException or ChannelClosedException;

    private async Task ReadAsync(Func<EventConnection, ZmtpPeer, Task>? answer, CancellationToken cancellation)
    {
        ArrayBufferWriter<byte> control = new();
        ZmtpPeer.Start(control);
        await FlushAsync(control, cancellation);
        while (await _socket.ReceiveAsync(_peer.Free(), cancellation) is > 0 and var bytes)
        {
            _peer.Received(bytes);
            while (_peer.Read(control) is not ZmtpInput.NeedsMore and var input)
            {
                if (input == ZmtpInput.Failed)
                {
                    return;
                }

                Note(input);
                await FlushAsync(control, cancellation);
                if (input == ZmtpInput.Message && answer is not null)
                {
                    await answer(this, _peer);
                }
            }

            await FlushAsync(control, cancellation);
        }
    }

    private void Note(ZmtpInput input)
    {
        if (input is not (ZmtpInput.Subscribed or ZmtpInput.Cancelled))
        {
            return;
        }

        var topic = _peer.Topic.ToArray();
        lock (_gate)
        {
            if (input == ZmtpInput.Subscribed)
            {
                if (_topics.Count < TopicsMax)
                {
                    _topics.Add(topic);
                }
            }
            else if (_topics.FindIndex(other => other.AsSpan().SequenceEqual(topic)) is >= 0 and var at)
            {
                _topics.RemoveAt(at);
            }
        }
    }

    private async ValueTask FlushAsync(ArrayBufferWriter<byte> control, CancellationToken cancellation)
    {
        if (control.WrittenCount > 0)
        {
            var bytes = control.WrittenSpan.ToArray();
            control.ResetWrittenCount();
            await SendAsync(bytes, cancellation);
        }
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync(cancellation))
            {
                for (var rest = message; !rest.IsEmpty;)
                {
                    rest = rest[await _socket.SendAsync(rest, cancellation)..];
                }
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            // The reader learns of it from the socket.
            _socket.Dispose();
        }
    }
}
