using System.Net;
using System.Net.Sockets;
using Penstock.Wire.Zmtp;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>
/// A ZMQ socket of an engine: it listens and takes many connections, or keeps one of its own alive. Thread-safe.
/// </summary>
internal sealed class EventSocket : IAsyncDisposable
{
    private const int ConnectionsMax = 64;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly List<EventConnection> _connections = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly ZmtpSocketType _type;
    private readonly int _queueMax;
    private readonly Func<EventConnection, ZmtpPeer, Task>? _answer;
    private readonly Socket? _listener;
    private readonly Task _loop;

    /// <param name="endpoint">Where.</param>
    /// <param name="type">What this end is.</param>
    /// <param name="queueMax">Messages that wait for one connection at most.</param>
    /// <param name="answer">What to do with a message; null: nothing.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public EventSocket(
        EventEndpoint endpoint, ZmtpSocketType type, int queueMax, Func<EventConnection, ZmtpPeer, Task>? answer = null)
    {
        _type = type;
        _queueMax = queueMax;
        _answer = answer;
        if (endpoint.Binds)
        {
            _listener = Listen(endpoint.Address);
            Address = (IPEndPoint)_listener.LocalEndPoint!;
            _loop = AcceptAsync(_listener);
        }
        else
        {
            Address = endpoint.Address;
            _loop = ConnectAsync();
        }
    }

    /// <summary>Where it listens, with the port that it got, or connects to.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Messages that slow subscribers lost, those that are gone left out.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate)
            {
                return _connections.Sum(static connection => connection.Dropped);
            }
        }
    }

    /// <summary>Offers a message to everybody who subscribed to its topic.</summary>
    public void Broadcast(ReadOnlySpan<byte> topic, ReadOnlyMemory<byte> message)
    {
        lock (_gate)
        {
            foreach (var connection in _connections)
            {
                if (connection.Wants(topic))
                {
                    connection.Offer(message);
                }
            }
        }
    }

    /// <summary>Cuts every connection, as a process that dies does.</summary>
    public void CutAll()
    {
        lock (_gate)
        {
            foreach (var connection in _connections)
            {
                connection.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener?.Dispose();
        CutAll();
        await _loop;
        _ending.Dispose();
    }

    private static Socket Listen(IPEndPoint address)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(address);
            listener.Listen();
            return listener;
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new IOException($"cannot listen on tcp://{address}: {e.Message}", e);
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        HashSet<Task> talks = [];
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(_ending.Token);
                talks.RemoveWhere(static talk => talk.IsCompleted);
                if (talks.Count < ConnectionsMax)
                {
                    talks.Add(TalkAsync(socket));
                }
                else
                {
                    socket.Dispose();
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            await Task.WhenAll(talks);
        }
    }

    private async Task ConnectAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            var socket = new Socket(Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(Address, _ending.Token);
                await TalkAsync(socket);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Nobody is there yet.
                socket.Dispose();
            }

            await Task.Delay(RetryPause, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TalkAsync(Socket socket)
    {
        using var connection = new EventConnection(socket, _type, _queueMax);
        lock (_gate)
        {
            _connections.Add(connection);
        }

        await connection.RunAsync(_answer, _ending.Token);
        lock (_gate)
        {
            _connections.Remove(connection);
        }
    }
}
