using System.Diagnostics;
using Penstock.Bench.Wire;

namespace Penstock.Bench.Load;

/// <summary>
/// Runs one <see cref="LoadPlan"/> on one thread. In open loop a request that finds no idle connection gets a new
/// one, and beyond <see cref="ConnectionsMax"/> waits; its latency counts from when it was due either way.
/// </summary>
internal sealed class LoadRun : IDisposable
{
    private const int ConnectionsMax = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly long NanosecondsPerTick = 1_000_000_000 / Stopwatch.Frequency;

    private readonly LoadPlan _plan;
    private readonly ReadOnlyMemory<byte> _request;
    private readonly byte[] _expected;
    private readonly EventLoop _loop = new();
    private readonly byte[] _scratch = new byte[256 * 1024];
    private readonly List<LoadConnection> _connections = [];
    private readonly Stack<int> _idle = [];
    private readonly Queue<long> _waiting = [];
    private readonly List<long> _firstByte = new(1 << 16);
    private readonly List<long> _total = new(1 << 16);

    private long _begin;
    private long _end;
    private long _started;
    private int _underWay;
    private long _failed;
    private string? _firstFailure;

    public LoadRun(LoadPlan plan)
    {
        _plan = plan;
        _request = plan.Request();
        _expected = plan.Expected;
    }

    public LoadResult Run()
    {
        _begin = Stopwatch.GetTimestamp();
        _end = _begin + Ticks(TimeSpan.FromSeconds(_plan.Seconds));
        var giveUp = _end + Ticks(Patience);
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            var next = StartDue(now);
            if (_underWay == 0 && _waiting.Count == 0 && next > _end)
                break;
            if (now > giveUp)
            {
                Fail($"{_underWay + _waiting.Count} answers still missing {Patience.TotalSeconds} s after the end");
                break;
            }

            foreach (var token in _loop.Wait((Math.Min(next, giveUp) - now) * NanosecondsPerTick))
                Progress(token);
        }

        return Result(Stopwatch.GetElapsedTime(_begin));
    }

    public void Dispose()
    {
        _connections.ForEach(connection => connection.Dispose());
        _loop.Dispose();
    }

    /// <summary>Starts every request that is due; returns when the next one is.</summary>
    private long StartDue(long now)
    {
        while (true)
        {
            var due = Due(_started);
            if (due > now || due > _end)
                return due;
            _started++;
            if (_plan.Clients > 0)
                Start(Connect(), due);
            else
                StartOrWait(due);
        }
    }

    /// <summary>When the n-th request (open loop) or the n-th client (closed loop) starts.</summary>
    private long Due(long index)
    {
        if (_plan.Clients > 0 && index >= _plan.Clients)
            return long.MaxValue;
        var seconds = _plan.Clients > 0 ? _plan.StaggerSeconds * index / _plan.Clients : index / _plan.Rate;
        return _begin + (long)(seconds * Stopwatch.Frequency);
    }

    private void StartOrWait(long due)
    {
        while (_idle.TryPop(out var token))
        {
            if (_connections[token].Failure is not null)
                continue;
            Start(token, due);
            return;
        }

        if (_underWay < ConnectionsMax)
            Start(Connect(), due);
        else
            _waiting.Enqueue(due);
    }

    private int Connect()
    {
        var token = _connections.Count;
        _connections.Add(new LoadConnection(_plan.Port, _expected));
        _loop.Add(_connections[token].Socket, token);
        return token;
    }

    private void Start(int token, long intended)
    {
        _underWay++;
        if (!_connections[token].Start(_request, intended))
            _loop.WatchWrites(_connections[token].Socket, token, on: true);
        if (_connections[token].Failure is not null)
            End(token, Stopwatch.GetTimestamp());
    }

    private void Progress(int token)
    {
        var connection = _connections[token];
        if (!connection.Active)
        {
            DropIfClosed(connection);
            return;
        }

        if (!connection.AllSent && connection.SendMore())
            _loop.WatchWrites(connection.Socket, token, on: false);
        var hadBody = connection.HasBody;
        connection.Receive(_scratch);
        var now = Stopwatch.GetTimestamp();
        if (!hadBody && connection.HasBody)
            _firstByte.Add((now - connection.Intended) * NanosecondsPerTick);
        if (connection.Done || connection.Failure is not null)
            End(token, now);
    }

    private void End(int token, long now)
    {
        var connection = _connections[token];
        _underWay--;
        if (connection.Failure is { } failure)
            Fail(failure);
        else
            _total.Add((now - connection.Intended) * NanosecondsPerTick);

        if (connection.Failure is not null || connection.Closing)
        {
            connection.Dispose();
            token = -1;
        }

        if (_plan.Clients > 0 && now < _end && _failed == 0)
            Start(token < 0 ? Connect() : token, now);
        else if (_waiting.TryDequeue(out var due))
            Start(token < 0 ? Connect() : token, due);
        else if (token >= 0)
            _idle.Push(token);
    }

    /// <summary>An idle connection that has something to say is being closed; the next request takes another.</summary>
    private void DropIfClosed(LoadConnection connection)
    {
        if (connection.Failure is null)
            connection.Receive(_scratch);
        if (connection.Failure is not null)
            connection.Dispose();
    }

    /// <summary>Counts a failure and starts nothing more: one is enough to make the run worthless.</summary>
    private void Fail(string failure)
    {
        _end = Math.Min(_end, Stopwatch.GetTimestamp());
        _waiting.Clear();
        _failed++;
        _firstFailure ??= failure;
    }

    private LoadResult Result(TimeSpan elapsed)
    {
        var cpu = Environment.CpuUsage.TotalTime.TotalSeconds;
        var events = (long)_total.Count * _plan.Events;
        return new LoadResult
        {
            Requests = _total.Count,
            Events = events,
            Failed = _failed,
            FirstFailure = _firstFailure,
            Seconds = elapsed.TotalSeconds,
            ClientCpuSeconds = cpu,
            FirstByte = Latency.Of(_firstByte),
            Total = Latency.Of(_total),
        };
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
