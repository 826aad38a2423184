using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Penstock.Tests.Shared;

/// <summary>
/// An engine that says exactly what a test tells it to, over a real socket on 127.0.0.1, and keeps exactly what it
/// was sent. Routes are named <c>METHOD /path</c>; what has no route gets a 404. Safe to change while it serves.
/// </summary>
internal sealed class ScriptedEngine : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, Func<ReceivedRequest, Script>> _routes = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Script>> _once = new();
    private readonly Lock _lock = new();
    private readonly List<Task> _connections = [];
    private readonly List<(Func<bool> Holds, TaskCompletionSource Reached)> _waiters = [];
    private readonly Task _accepting;
    private ImmutableList<ReceivedRequest> _requests = [];
    private int _accepted;
    private int _open;
    private int _hanging;

    public ScriptedEngine()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        var port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        Url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    /// <summary>Run on every new connection before anything is read: greet, close, reset, hang.</summary>
    public Script OnConnect { get; set; } = Script.Empty;

    /// <summary>What answers a request that has no route.</summary>
    public Func<ReceivedRequest, Script> Otherwise { get; set; } =
        _ => Script.Reply(404, """{"error":{"message":"Not Found","type":"NotFoundError","code":404}}""");

    /// <summary>Every request so far, in the order in which they were complete.</summary>
    public IReadOnlyList<ReceivedRequest> Requests => _requests;

    /// <summary>Connections accepted so far.</summary>
    public int AcceptedConnections => Volatile.Read(ref _accepted);

    /// <summary>Connections that neither side has ended.</summary>
    public int OpenConnections => Volatile.Read(ref _open);

    /// <summary>Requests and connections that a script leaves without an answer now.</summary>
    public int Hanging => Volatile.Read(ref _hanging);

    /// <summary>What answers a route now.</summary>
    public Func<ReceivedRequest, Script> AnswerTo(string route) => _routes.GetValueOrDefault(route) ?? Otherwise;

    /// <summary>Answers every request to <paramref name="route"/> from now on.</summary>
    public ScriptedEngine On(string route, Func<ReceivedRequest, Script> answer)
    {
        _routes[route] = answer;
        return this;
    }

    public ScriptedEngine On(string route, Script answer) => On(route, _ => answer);

    /// <summary>Answers one request to <paramref name="route"/>, before what <see cref="On(string, Script)"/> says;
    /// several queue up.</summary>
    public ScriptedEngine Once(string route, Script answer)
    {
        _once.GetOrAdd(route, _ => new()).Enqueue(answer);
        return this;
    }

    /// <summary>The path is unknown from now on.</summary>
    public ScriptedEngine Without(string route)
    {
        _routes.TryRemove(route, out _);
        return this;
    }

    /// <summary>The request number <paramref name="ordinal"/> (from 1) to a route, once it is there.</summary>
    public async Task<ReceivedRequest> RequestAsync(string route, CancellationToken cancel, int ordinal = 1)
    {
        await WhenAsync(() => To(route).Count() >= ordinal, cancel);
        return To(route).ElementAt(ordinal - 1);
    }

    /// <summary>Requests to <paramref name="route"/> so far.</summary>
    public IEnumerable<ReceivedRequest> To(string route) => Requests.Where(r => $"{r.Method} {r.Path}" == route);

    /// <summary>Completes once no connection is open.</summary>
    public Task WhenNoConnectionIsOpenAsync(CancellationToken cancel) => WhenAsync(() => OpenConnections == 0, cancel);

    /// <summary>Completes once the condition holds; looked at after every request, accept and close.</summary>
    public Task WhenAsync(Func<bool> holds, CancellationToken cancel)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiters.Add((holds, reached));
        }

        Look();
        return reached.Task.WaitAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Task[] rest;
        lock (_lock)
        {
            rest = [.. _connections];
        }

        await Task.WhenAll(rest);
        _stop.Dispose();
    }

    internal async Task HangAsync(CancellationToken gone)
    {
        Interlocked.Increment(ref _hanging);
        try
        {
            await Task.Delay(Timeout.Infinite, gone);
        }
        finally
        {
            Interlocked.Decrement(ref _hanging);
        }
    }

    internal Script ScriptFor(ReceivedRequest request) => AnswerTo(request)(request);

    /// <summary>What answers this request. It is asked when the head is there, and again with the body.</summary>
    internal Func<ReceivedRequest, Script> AnswerTo(ReceivedRequest request)
    {
        var route = $"{request.Method} {request.Path}";
        if (_once.TryGetValue(route, out var queue) && queue.TryDequeue(out var script))
        {
            return _ => script;
        }

        return AnswerTo(route);
    }

    internal void Record(ReceivedRequest request)
    {
        lock (_lock)
        {
            _requests = _requests.Add(request);
        }

        Look();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            socket.NoDelay = true;
            Interlocked.Increment(ref _open);
            var connection = new ScriptedConnection(this, socket, Interlocked.Increment(ref _accepted));
            lock (_lock)
            {
                _connections.Add(ServeAsync(connection));
            }

            Look();
        }
    }

    private async Task ServeAsync(ScriptedConnection connection)
    {
        await connection.RunAsync(_stop.Token);
        Interlocked.Decrement(ref _open);
        Look();
    }

    private void Look()
    {
        lock (_lock)
        {
            foreach (var (holds, reached) in _waiters.ToArray())
            {
                if (holds() && reached.TrySetResult())
                {
                    _waiters.RemoveAll(w => w.Reached == reached);
                }
            }
        }
    }
}
