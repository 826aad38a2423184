using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Penstock.Core.Recording;

namespace Penstock.Gateway.Recording;

/// <summary>
/// The files of the decision logs: one loop that writes what the pools hand over. A disk that is slow, full or not
/// there costs records, never a request.
/// </summary>
/// <remarks>Thread-safe. What is handed over and not yet written is at most <see cref="QueuedBytesMax"/> and a piece of
/// each pool, or one state.</remarks>
internal sealed class DecisionFiles : IAsyncDisposable
{
    /// <summary>Bytes that wait to be written at most, of all pools together.</summary>
    public const long QueuedBytesMax = 32L << 20;

    /// <summary>It comes and goes while logs end and begin.</summary>
    private static readonly TimeSpan TellFullEvery = TimeSpan.FromHours(1);

    private readonly LogFolder _folder;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<LogPiece> _queue =
        Channel.CreateUnbounded<LogPiece>(new() { SingleReader = true });

    private readonly Lock _lock = new();
    private readonly List<PoolLogs> _pools = [];
    private readonly Dictionary<PoolLogs, LogFile> _open = [];
    private readonly byte[] _head = new byte[LogChunk.HeadBytes];
    private readonly Task _writing;
    private long _logBytesMax;
    private long _queued;
    private long _written;
    private long _failures;
    private long _gaps;
    private long _tellFullAt;

    /// <param name="folder">Made where it is missing, once there is something to write.</param>
    /// <param name="time">Names the files, and says when to try again.</param>
    /// <param name="log">Where a disk that fails is reported.</param>
    public DecisionFiles(LogFolder folder, TimeProvider time, ILogger<DecisionFiles> log)
    {
        _folder = folder;
        _time = time;
        _log = log;
        Share();
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Bytes that a log of one pool may come to: all pools may write one at the same time, and one's worth is
    /// left for those that are complete.</summary>
    public long LogBytesMax => Volatile.Read(ref _logBytesMax);

    /// <summary>Bytes written since the start.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Logs that the disk refused to go on with; what came after in them is lost.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Times, since the start, that what happened in a pool was not recorded from some point on, because its
    /// log could not be taken.</summary>
    public long Gaps => Volatile.Read(ref _gaps);

    /// <summary>Time that passes, in .NET ticks.</summary>
    internal long Elapsed => _time.GetElapsedTime(0).Ticks;

    /// <summary>The wall clock, in .NET ticks of UTC.</summary>
    public long NowTicks() => _time.GetUtcNow().UtcTicks;

    /// <summary>The logs of one pool, from now on.</summary>
    public ILogSink Open(string pool)
    {
        var logs = new PoolLogs(this, pool);
        lock (_lock)
        {
            _pools.Add(logs);
            Share();
        }

        return logs;
    }

    /// <summary>Writes what was handed over, and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
    }

    /// <summary>So many bytes more may wait. Whatever its size, something may when nothing does.</summary>
    internal bool HasRoom(long bytes)
    {
        var queued = Volatile.Read(ref _queued);
        return queued == 0 || queued + bytes <= QueuedBytesMax;
    }

    internal void Add(LogPiece piece)
    {
        Interlocked.Add(ref _queued, piece.Bytes);
        if (!_queue.Writer.TryWrite(piece))
        {
            Drop(piece);
        }
    }

    internal void GiveUp() => Interlocked.Increment(ref _gaps);

    /// <summary>A pool is not recorded any more.</summary>
    internal void Leave(PoolLogs pool)
    {
        lock (_lock)
        {
            _pools.Remove(pool);
            Share();
        }
    }

    /// <summary>Says, once, that a pool cannot be recorded. Does not wait: the caller holds the pool's lock.</summary>
    internal void TellTooLarge(PoolLogs pool, long stateBytes)
    {
        var told = (Log: _log, pool.Pool, State: stateBytes, Max: LogBytesMax / 2);
        ThreadPool.UnsafeQueueUserWorkItem(
            static t => RecordingLog.TooLarge(t.Log, t.Pool, t.State, t.Max), told, preferLocal: false);
    }

    private void Share() => Volatile.Write(ref _logBytesMax, _folder.BytesMax / (Math.Max(1, _pools.Count) + 1));

    private void Drop(LogPiece piece)
    {
        var bytes = piece.Bytes;
        piece.State?.Release();
        Interlocked.Add(ref _queued, -bytes);
    }

    private async Task WriteAsync()
    {
        await foreach (var piece in _queue.Reader.ReadAllAsync())
        {
            try
            {
                await WriteAsync(piece);
            }
            catch (Exception e)
            {
                // Whatever it was: a log that is lost must not take the others with it. Counted last: who sees it
                // counted finds it told.
                Lose(piece.Log);
                TellFailed(piece.Log.Pool, e);
                Interlocked.Increment(ref _failures);
            }
            finally
            {
                Drop(piece);
            }
        }

        foreach (var log in _open.Values.ToArray())
        {
            Close(log);
        }
    }

    private async Task WriteAsync(LogPiece piece)
    {
        var log = piece.Log;
        if (piece.Kind != PieceKind.Append && _open.TryGetValue(log.Pool, out var complete))
        {
            Close(complete);
        }

        if (log.IsLost || piece.Kind == PieceKind.End)
        {
            return;
        }

        if (!_folder.TryMakeRoom(piece.BytesOnDisk, InUse))
        {
            Lose(log);
            TellFull();
            return;
        }

        if (piece.Kind == PieceKind.Begin)
        {
            Create(log);
        }

        await WriteChunkAsync(log, piece.Payload);
        foreach (var part in piece.State?.Pieces ?? [])
        {
            await WriteChunkAsync(log, part);
        }

        if (piece.Kind == PieceKind.Append)
        {
            log.HasRecords = true;
            log.Pool.Went();
            TellRecovered(log.Pool);
        }
    }

    private async ValueTask WriteChunkAsync(LogFile log, ReadOnlyMemory<byte> payload)
    {
        LogChunk.WriteHead(payload.Span, _head);
        await log.Stream!.WriteAsync(_head);
        await log.Stream.WriteAsync(payload);
        _folder.Grew(_head.Length + payload.Length);
        Interlocked.Add(ref _written, _head.Length + payload.Length);
    }

    private void Create(LogFile log)
    {
        log.Path = _folder.PathOf(log.Pool.FileName, _time.GetUtcNow());
        log.Stream = _folder.Disk.Create(log.Path);
        _open.Add(log.Pool, log);
    }

    private void Close(LogFile log)
    {
        _open.Remove(log.Pool);
        log.Stream?.Dispose();
        log.Stream = null;
    }

    /// <summary>What was written stays good up to there; what has no records yet is of no use.</summary>
    private void Lose(LogFile log)
    {
        log.IsLost = true;
        var isBegun = log.Stream is not null;
        try
        {
            Close(log);
        }
        catch (IOException)
        {
            // It is lost already.
        }

        if (isBegun && !log.HasRecords)
        {
            _folder.TryDelete(log.Path);
        }

        _folder.Doubt();
        log.Pool.Failed();
    }

    /// <summary>Once, until the pool's log can be written again: others may be written all the while.</summary>
    private void TellFailed(PoolLogs pool, Exception fault)
    {
        if (!pool.IsFailing)
        {
            pool.IsFailing = true;
            RecordingLog.Failed(_log, fault, pool.Pool, _folder.Path);
        }
    }

    private void TellFull()
    {
        if (Elapsed >= _tellFullAt)
        {
            _tellFullAt = Elapsed + TellFullEvery.Ticks;
            RecordingLog.Full(_log, _folder.Path, _folder.BytesMax);
        }
    }

    private void TellRecovered(PoolLogs pool)
    {
        if (pool.IsFailing)
        {
            pool.IsFailing = false;
            RecordingLog.Recovered(_log, pool.Pool, _folder.Path);
        }
    }

    private LogsInUse InUse()
    {
        lock (_lock)
        {
            return new LogsInUse(
                _open.Values.Select(static l => l.Path).ToHashSet(), _pools.Select(static p => p.FileName).ToHashSet());
        }
    }
}
