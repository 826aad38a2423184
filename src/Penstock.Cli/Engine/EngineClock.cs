using Penstock.Cli.Engine.Metrics;
using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine;

/// <summary>
/// Drives one engine model by a real clock. A timer is set to the end of the step under way; what the step produced is
/// told to the requests. The model keeps its own time, so a late timer delays a token and never slows the engine.
/// Thread-safe: the model is touched under one lock only.
/// </summary>
internal sealed class EngineClock : IDisposable
{
    private readonly Lock _gate = new();
    private readonly EngineModel _model;
    private readonly TimeProvider _time;
    private readonly double _scale;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly Action<EngineModel> _changed;
    private readonly Dictionary<long, AnswerFeed> _feeds = [];
    private EngineMetrics _metrics = new();
    private long _lastId;
    private bool _disposed;

    /// <param name="model">The engine; nobody else touches it.</param>
    /// <param name="time">The real clock.</param>
    /// <param name="scale">Virtual seconds in a real one.</param>
    /// <param name="changed">Looks at the model after whatever happened to it, under the lock; must not wait.</param>
    public EngineClock(EngineModel model, TimeProvider time, double scale, Action<EngineModel> changed)
    {
        _model = model;
        _time = time;
        _scale = scale;
        _changed = changed;
        _start = time.GetTimestamp();
        _timer = time.CreateTimer(
            static state => ((EngineClock)state!).Run(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public EngineCounters Counters
    {
        get
        {
            lock (_gate)
            {
                return _model.Counters;
            }
        }
    }

    /// <summary>How many times as long steps take as the profile says.</summary>
    public double LatencyFactor
    {
        set
        {
            lock (_gate)
            {
                _model.LatencyFactor = value;
            }
        }
    }

    /// <summary>Hands a request to the engine, under an id of its own; the feed tells how it comes along.</summary>
    public SubmitVerdict Submit(in EngineRequest request, out AnswerFeed feed)
    {
        lock (_gate)
        {
            var now = Now();
            Deliver(_model.Advance(now));
            feed = new AnswerFeed(++_lastId, now, request.PromptTokens);
            var verdict = _model.Submit(request with { Id = feed.Id }, now);
            if (verdict == SubmitVerdict.Accepted)
            {
                _feeds.Add(feed.Id, feed);
                SetTimer(now);
            }

            _changed(_model);

            return verdict;
        }
    }

    /// <summary>The client is gone: the request leaves the engine. Does nothing where it is finished.</summary>
    public void Cancel(AnswerFeed feed)
    {
        lock (_gate)
        {
            var now = Now();
            Deliver(_model.Advance(now));
            if (_model.Cancel(feed.Id, now))
            {
                _feeds.Remove(feed.Id);
                _metrics.Aborted();
            }

            SetTimer(now);
            _changed(_model);
        }
    }

    /// <summary>Forgets all cached content; false, and nothing done, while requests hold memory.</summary>
    public bool TryClearCache()
    {
        lock (_gate)
        {
            var now = Now();
            Deliver(_model.Advance(now));
            var cleared = _model.TryClearCache(now);
            SetTimer(now);
            _changed(_model);
            return cleared;
        }
    }

    /// <summary>The engine's process dies and is there again; what it answered is lost.</summary>
    /// <param name="whileDead">What else dies with it; under the lock.</param>
    public void Restart(Action whileDead)
    {
        lock (_gate)
        {
            var now = Now();
            Deliver(_model.Advance(now));
            _changed(_model);
            _model.Restart(now);
            _metrics = new EngineMetrics();
            foreach (var feed in _feeds.Values)
            {
                feed.Lose();
            }

            _feeds.Clear();
            whileDead();
            SetTimer(now);
            _changed(_model);
        }
    }

    /// <summary>Reads the metrics while no step changes them.</summary>
    public void Read(Action<EngineCounters, EngineMetrics> read)
    {
        lock (_gate)
        {
            read(_model.Counters, _metrics);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _timer.Dispose();
    }

    private void Run()
    {
        lock (_gate)
        {
            var now = Now();
            Deliver(_model.Advance(now));
            SetTimer(now);
            _changed(_model);
        }
    }

    private Instant Now() => new((long)(_time.GetElapsedTime(_start).Ticks * 100 * _scale));

    private void SetTimer(Instant now)
    {
        if (_disposed)
        {
            return;
        }

        if (_model.NextStepEnd is not { } end)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // Whole milliseconds, rounded up: the timer knows no finer ones, and one that fires early only fires twice.
        var wait = Math.Ceiling((end - now).TotalMilliseconds / _scale);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(wait, 0, 1e9)), Timeout.InfiniteTimeSpan);
    }

    private void Deliver(ReadOnlySpan<EngineEvent> events)
    {
        foreach (var happened in events)
        {
            if (!_feeds.TryGetValue(happened.RequestId, out var feed))
            {
                continue;
            }

            switch (happened.Kind)
            {
                case EngineEventKind.Scheduled:
                    feed.Scheduled = happened.At;
                    feed.CachedTokens = happened.Tokens;
                    break;
                case EngineEventKind.FirstToken:
                    feed.FirstToken = happened.At;
                    feed.LastToken = happened.At;
                    _metrics.FirstToken(feed);
                    feed.Report(happened.Tokens);
                    break;
                case EngineEventKind.Token:
                    _metrics.Token(happened.At - feed.LastToken);
                    feed.LastToken = happened.At;
                    feed.Report(happened.Tokens);
                    break;
                case EngineEventKind.Finished:
                    _feeds.Remove(feed.Id);
                    _metrics.Finished(feed, happened.Tokens);
                    break;
                case EngineEventKind.Preempted:
                    break;
            }
        }
    }
}
