namespace Penstock.Gateway.Ledger;

/// <summary>
/// Forces groups of records to disk, on a thread of its own because the system call blocks for as long as the disk
/// takes. It also makes the next segment ahead of need. It sleeps until it is told of an append: an idle journal costs
/// nothing.
/// </summary>
internal sealed class JournalFlusher : IDisposable
{
    /// <summary>Bytes that are made ready to be written to: more than is appended while the disk takes what was
    /// appended before. Those that are ready cost next to nothing; those that the kernel wrote to disk meanwhile are
    /// ready no more.</summary>
    private const int Ahead = 2 * 1024 * 1024;

    private readonly UsageJournal _journal;
    private readonly Thread _thread;

    /// <summary>Never disposed: the last tick of the timer may still be on its way.</summary>
    private readonly AutoResetEvent _wake = new(false);

    private readonly ITimer _timer;
    private readonly TimeSpan _interval;
    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private JournalPosition _flushed;
    private long _flushes;
    private long _failures;
    private volatile bool _stopped;

    public JournalFlusher(UsageJournal journal, TimeSpan interval, TimeProvider time)
    {
        _journal = journal;
        _interval = interval;
        _thread = new Thread(Run) { IsBackground = true, Name = "penstock journal flush" };
        _timer = time.CreateTimer(
            static state => ((JournalFlusher)state!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        FlushOnce();
        _thread.Start();
    }

    public long Flushes => Volatile.Read(ref _flushes);

    public long Failures => Volatile.Read(ref _failures);

    public ValueTask FlushedAsync(JournalPosition end, CancellationToken cancellation)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (end <= _flushed)
            {
                return ValueTask.CompletedTask;
            }

            ObjectDisposedException.ThrowIf(_stopped, _journal);
            waiter = new Waiter(end, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            _waiters.Add(waiter);
        }

        return new ValueTask(waiter.Done.Task.WaitAsync(cancellation));
    }

    public void Wake() => _wake.Set();

    /// <summary>Flushes an interval from now: what is appended until then goes to disk in one group.</summary>
    public void WakeLater() => _timer.Change(_interval, Timeout.InfiniteTimeSpan);

    /// <summary>Flushes what is there, then ends the thread.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _stopped = true;
        Wake();
        _thread.Join();
        FlushOnce();
    }

    private void Run()
    {
        while (!_stopped)
        {
            _journal.Prepare(Ahead);
            if (_journal.NeedsSpare)
            {
                // The disk did not let it, and nothing is admitted meanwhile that would wake us.
                WakeLater();
            }

            _wake.WaitOne();
            FlushOnce();
        }
    }

    private void FlushOnce()
    {
        var end = _journal.EndToFlush();
        var from = FlushedEnd();
        if (end <= from)
        {
            return;
        }

        try
        {
            for (var next = from.Segment; next <= end.Segment && _journal.SegmentFrom(next) is { } segment;
                next = segment.Sequence + 1)
            {
                segment.Flush(
                    segment.Sequence == from.Segment ? from.Offset : 0,
                    segment.Sequence == end.Segment ? end.Offset : segment.Capacity);
            }

            Interlocked.Increment(ref _flushes);
            Complete(end, null);
        }
        catch (IOException failure)
        {
            Interlocked.Increment(ref _failures);
            Complete(end, failure);
            WakeLater();
        }
    }

    private JournalPosition FlushedEnd()
    {
        lock (_gate)
        {
            return _flushed;
        }
    }

    private void Complete(JournalPosition target, IOException? failure)
    {
        List<Waiter> done;
        lock (_gate)
        {
            if (failure is null)
            {
                _flushed = target;
            }

            done = _waiters.FindAll(waiter => waiter.End <= target);
            _waiters.RemoveAll(waiter => waiter.End <= target);
        }

        foreach (var waiter in done)
        {
            _ = failure is null ? waiter.Done.TrySetResult() : waiter.Done.TrySetException(failure);
        }
    }

    private sealed record Waiter(JournalPosition End, TaskCompletionSource Done);
}
