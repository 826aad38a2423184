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
    private const int ListenerToken = 0;
    private static readonly long TicksPerMillisecond = Stopwatch.Frequency / 1000;
    private static readonly long NanosecondsPerTick = 1_000_000_000 / Stopwatch.Frequency;

    private readonly EventLoop _loop = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<UpstreamConnection?> _connections = [null];
    private readonly Stack<int> _freeTokens = [];
    private readonly PriorityQueue<UpstreamConnection, long> _due = new();

    public PacedUpstream(int port)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(4096);
        _listener.Blocking = false;
        _loop.Add(_listener, ListenerToken);
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
                if (token == ListenerToken)
                    AcceptAll();
                else
                    Serve(token);
            }

            SendDue(Stopwatch.GetTimestamp());
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _loop.Dispose();
    }

    private void AcceptAll()
    {
        while (_listener.Poll(TimeSpan.Zero, SelectMode.SelectRead))
        {
            var socket = _listener.Accept();
            socket.Blocking = false;
            socket.NoDelay = true;
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

        connection.Send(ConstantAnswers.For(firstLine, body.Length));
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
