using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Upstream;

/// <summary>
/// An engine that costs next to nothing: one thread, one epoll set, one timer. Answers POST /v1/messages with a
/// stream at the pace that the request names (see <see cref="RequestBodies.TryReadPace"/>), or with a constant when
/// it names none, and speaks enough of vLLM's HTTP for a gateway to recognise it. Runs until it is killed.
/// </summary>
internal sealed class PacedUpstream : IDisposable
{
    /// <summary>A page of a large engine is sent in one piece.</summary>
    private const int SendBufferBytes = 1 << 20;

    private static readonly long TicksPerMillisecond = Stopwatch.Frequency / 1000;
    private static readonly long NanosecondsPerTick = 1_000_000_000 / Stopwatch.Frequency;

    private readonly EventLoop _loop = new();
    private readonly List<Socket> _listeners = [];
    private readonly List<UpstreamConnection?> _connections = [];
    private readonly Stack<int> _freeTokens = [];
    private readonly PriorityQueue<UpstreamConnection, long> _due = new();

    /// <param name="port">The same for all engines.</param>
    /// <param name="engines">How many; each has an address of its own, from 127.0.0.1 on.</param>
    public PacedUpstream(int port, int engines = 1)
    {
        for (var token = 0; token < engines; token++)
        {
            var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(token + 1)]), port));
            listener.Listen(4096);
            listener.Blocking = false;
            _loop.Add(listener, token);
            _listeners.Add(listener);
            _connections.Add(null);
        }
    }

    public void Run()
    {
        while (true)
        {
            var wait = _due.TryPeek(out _, out var next)
                ? Math.Max(next - Stopwatch.GetTimestamp(), 0) * NanosecondsPerTick
                : -1;
            foreach (var token in _loop.Wait(wait))
            {
                if (token < _listeners.Count)
                    AcceptAll(_listeners[token]);
                else
                    Serve(token);
            }

            SendDue(Stopwatch.GetTimestamp());
        }
    }

    public void Dispose()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
        _loop.Dispose();
    }

    private void AcceptAll(Socket listener)
    {
        while (listener.Poll(TimeSpan.Zero, SelectMode.SelectRead))
        {
            var socket = listener.Accept();
            socket.Blocking = false;
            socket.NoDelay = true;
            if (_listeners.Count > 1)
                socket.SendBufferSize = SendBufferBytes;
            if (!_freeTokens.TryPop(out var token))
            {
                token = _connections.Count;
                _connections.Add(null);
            }

            _connections[token] = new UpstreamConnection(socket);
            _loop.Add(socket, token);
        }
    }

    private void Serve(int token)
    {
        if (_connections[token] is not { } connection)
            return;
        if (!connection.Receive())
        {
            connection.Dispose();
            _connections[token] = null;
            _freeTokens.Push(token);
            return;
        }

        while (connection.TryTakeRequest(out var firstLine, out var body))
            Answer(connection, firstLine, body);
    }

    private void Answer(UpstreamConnection connection, ReadOnlySpan<byte> firstLine, ReadOnlySpan<byte> body)
    {
        if (firstLine.StartsWith("POST /v1/messages"u8) && RequestBodies.TryReadPace(body, out var events, out var gap))
        {
            var now = Stopwatch.GetTimestamp();
            connection.Begin(StreamScript.Of(events), now, gap * TicksPerMillisecond);
            Continue(connection, now);
            return;
        }

        connection.Send(_listeners.Count > 1 && firstLine.StartsWith("GET /metrics "u8)
            ? ConstantAnswers.FullMetrics
            : ConstantAnswers.For(firstLine, body.Length));
    }

    private void SendDue(long now)
    {
        while (_due.TryPeek(out var connection, out var at) && at <= now)
        {
            _due.Dequeue();
            Continue(connection, now);
        }
    }

    private void Continue(UpstreamConnection connection, long now)
    {
        // Whole milliseconds, so that streams due close together share one wake-up.
        if (connection.SendUntil(now) is { } next)
            _due.Enqueue(connection, (next + TicksPerMillisecond - 1) / TicksPerMillisecond * TicksPerMillisecond);
    }
}
