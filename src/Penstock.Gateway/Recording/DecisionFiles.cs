using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Penstock.Core.Recording;

namespace Penstock.Gateway.Recording;

/// <summary>
/// The files of the decision logs: one loop that writes what the pools hand over, and deletes the oldest logs where
/// there are too many bytes of them. A disk that is slow or full costs records, never a request.
/// </summary>
/// <remarks>Thread-safe. What is handed over and not yet written is at most <see cref="QueuedBytesMax"/>, or one
/// checkpoint.</remarks>
internal sealed partial class DecisionFiles : IAsyncDisposable
{
    /// <summary>Bytes that wait to be written at most, of all pools together.</summary>
    public const long QueuedBytesMax = 32L << 20;

    /// <summary>Logs that all pools together have room for.</summary>
    private const int LogsKept = 16;

    private const string Extension = ".plog";

    private readonly string _directory;
    private readonly long _bytesMax;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<Piece> _queue = Channel.CreateUnbounded<Piece>(new() { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<Source, FileStream> _open = [];
    private readonly Task _writing;
    private long _queued;
    private long _written;
    private long _failures;
    private long _names;

    /// <param name="directory">Made where it is missing.</param>
    /// <param name="bytesMax">Bytes of all logs together; the oldest are deleted.</param>
    /// <param name="time">Names the files.</param>
    /// <param name="log">Where a disk that fails is reported.</param>
    public DecisionFiles(string directory, long bytesMax, TimeProvider time, ILogger<DecisionFiles> log)
    {
        _directory = directory;
        _bytesMax = bytesMax;
        _time = time;
        _log = log;
        Directory.CreateDirectory(directory);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>A log of this size ends; the next begins with a checkpoint.</summary>
    public long LogBytesMax => Math.Max(1 << 20, _bytesMax / LogsKept);

    /// <summary>Bytes written since the start.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Writes that the disk refused; what they held is lost.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>The wall clock, in .NET ticks of UTC.</summary>
    public long NowTicks() => _time.GetUtcNow().UtcTicks;

    /// <summary>The logs of one pool, from now on.</summary>
    public ILogSink Open(string pool) => new Source(this, NameOf(pool));

    /// <summary>Writes what was handed over, and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
        _stop.Dispose();
    }

    private static string NameOf(string pool) =>
        string.Concat(pool.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));

    private async Task WriteAsync()
    {
        await foreach (var piece in _queue.Reader.ReadAllAsync())
        {
            try
            {
                await WriteAsync(piece);
                Interlocked.Add(ref _written, piece.Payload.Length);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (Interlocked.Increment(ref _failures) == 1)
                {
                    Log.Failed(_log, e, _directory);
                }

                Close(piece.Source);
            }
            finally
            {
                Interlocked.Add(ref _queued, -piece.Payload.Length);
            }
        }

        foreach (var source in _open.Keys.ToArray())
        {
            Close(source);
        }
    }

    private async Task WriteAsync(Piece piece)
    {
        if (piece.Begins)
        {
            Close(piece.Source);
            DeleteOldest();
            _open.Add(piece.Source, Create(piece.Source));
        }

        if (piece.Payload.Length == 0)
        {
            Close(piece.Source);
        }

        // A log whose file failed stays closed until the next one begins.
        if (_open.TryGetValue(piece.Source, out var file))
        {
            var head = new byte[LogChunk.HeadBytes];
            LogChunk.WriteHead(piece.Payload, head);
            await file.WriteAsync(head);
            await file.WriteAsync(piece.Payload);
            await file.FlushAsync();
        }
    }

    private FileStream Create(Source source)
    {
        var at = _time.GetUtcNow().ToString("yyyyMMdd'T'HHmmssfff'Z'", null);
        var name = $"{source.Name}-{at}-{++_names:d4}{Extension}";
        return new FileStream(
            Path.Combine(_directory, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, 0, useAsync: true);
    }

    private void Close(Source source)
    {
        if (_open.Remove(source, out var file))
        {
            file.Dispose();
        }
    }

    /// <summary>Leaves room for one more log. Those that are being written stay.</summary>
    private void DeleteOldest()
    {
        var files = new DirectoryInfo(_directory).GetFiles("*" + Extension);
        var bytes = files.Sum(static f => f.Length) + LogBytesMax;
        var busy = _open.Values.Select(static f => f.Name).ToHashSet();
        foreach (var file in files.OrderBy(static f => f.LastWriteTimeUtc))
        {
            if (bytes <= _bytesMax)
            {
                return;
            }

            if (!busy.Contains(file.FullName))
            {
                bytes -= file.Length;
                file.Delete();
            }
        }
    }

    private sealed record Piece(Source Source, byte[] Payload, bool Begins);

    private sealed class Source(DecisionFiles files, string name) : ILogSink
    {
        public string Name { get; } = name;

        public long Room
        {
            get
            {
                var queued = Volatile.Read(ref files._queued);
                return queued == 0 ? int.MaxValue : Math.Max(0, QueuedBytesMax - queued);
            }
        }

        public void Begin(ReadOnlySpan<byte> header) => Add(header, begins: true);

        public void Append(ReadOnlySpan<byte> payload) => Add(payload, begins: false);

        public void End() => Add([], begins: false);

        private void Add(ReadOnlySpan<byte> payload, bool begins)
        {
            Interlocked.Add(ref files._queued, payload.Length);
            if (!files._queue.Writer.TryWrite(new Piece(this, payload.ToArray(), begins)))
            {
                Interlocked.Add(ref files._queued, -payload.Length);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(40, LogLevel.Warning, "the decision logs in {Directory} cannot be written; requests go on")]
        public static partial void Failed(ILogger logger, Exception fault, string directory);
    }
}
