namespace Penstock.Tests.Shared;

/// <summary>
/// Time that only moves when the test says so. Its tick frequency is a prime, so code that takes ticks for
/// microseconds, milliseconds or <see cref="TimeSpan"/> ticks is caught. Safe for use from several threads; timers
/// fire on the thread that calls <see cref="Advance"/>, in the order of their due times.
/// </summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(Func<bool> Holds, TaskCompletionSource Reached)> _waiters = [];
    private readonly DateTimeOffset _start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private TimeSpan _elapsed;

    public override long TimestampFrequency => 7_777_753;

    /// <summary>Time moved since the clock was made.</summary>
    public TimeSpan Elapsed
    {
        get
        {
            lock (_lock)
            {
                return _elapsed;
            }
        }
    }

    /// <summary>Timers that are waiting to fire.</summary>
    public int PendingTimers
    {
        get
        {
            lock (_lock)
            {
                return Armed();
            }
        }
    }

    /// <summary>The time until the next timer fires; null when none is waiting.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (_lock)
            {
                return _timers.Where(t => t.Due is not null).Min(t => t.Due) - _elapsed;
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => _start + Elapsed;

    public override long GetTimestamp() => (long)((Int128)Elapsed.Ticks * TimestampFrequency / TimeSpan.TicksPerSecond);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Completes once at least <paramref name="count"/> timers wait: the barrier before an advance.</summary>
    public Task WhenTimersWaitAsync(int count, CancellationToken cancel = default) =>
        WhenAsync(() => Armed() >= count, cancel);

    /// <summary>Completes once a timer waits that fires within <paramref name="span"/>.</summary>
    public Task WhenTimerIsDueWithinAsync(TimeSpan span, CancellationToken cancel = default) =>
        WhenAsync(() => NextDue <= span, cancel);

    /// <summary>Moves time, firing what falls due on the way at its own due time.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        TimeSpan target;
        lock (_lock)
        {
            target = _elapsed + by;
        }

        while (true)
        {
            ManualTimer? next;
            lock (_lock)
            {
                next = _timers.Where(t => t.Due <= target).MinBy(t => t.Due);
                if (next is null)
                {
                    _elapsed = target;
                    return;
                }

                _elapsed = next.Due > _elapsed ? next.Due.Value : _elapsed;
                next.Due = next.Period > TimeSpan.Zero ? _elapsed + next.Period : null;
            }

            next.Fire();
        }
    }

    /// <summary>Waits for one timer, then moves time to where the earliest one fires.</summary>
    public async Task AdvanceToNextTimerAsync(CancellationToken cancel = default)
    {
        await WhenTimersWaitAsync(1, cancel);
        Advance(NextDue ?? TimeSpan.Zero);
    }

    private int Armed() => _timers.Count(t => t.Due is not null);

    private void Arm(ManualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            timer.Due = dueTime == Timeout.InfiniteTimeSpan ? null : _elapsed + dueTime;
            timer.Period = period;
            if (!_timers.Contains(timer))
            {
                _timers.Add(timer);
            }

            foreach (var (holds, reached) in _waiters.ToArray())
            {
                if (holds())
                {
                    reached.TrySetResult();
                    _waiters.RemoveAll(w => w.Reached == reached);
                }
            }
        }
    }

    private Task WhenAsync(Func<bool> holds, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (holds())
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((holds, reached));
            return reached.Task.WaitAsync(cancel);
        }
    }

    private void Forget(ManualTimer timer)
    {
        lock (_lock)
        {
            timer.Due = null;
            _timers.Remove(timer);
        }
    }

    private sealed class ManualTimer(ManualClock clock, Action fire) : ITimer
    {
        public TimeSpan? Due { get; set; }

        public TimeSpan Period { get; set; }

        public Action Fire { get; } = fire;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock.Arm(this, dueTime, period);
            return true;
        }

        public void Dispose() => clock.Forget(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
