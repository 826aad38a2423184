using System.Buffers;
using Microsoft.Extensions.Logging;
using Penstock.Core.Recording;
using Penstock.Gateway.Recording;
using Penstock.Gateway.Tests.Cluster;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Recording;

/// <summary>A folder of decision logs and the loop that writes it, on a clock that stands still and on a disk that
/// fails where a test wants it.</summary>
internal sealed class LogsOfPools : IAsyncDisposable
{
    public const long BytesMax = 16 << 20;

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("penstock-decisions-");
    private DecisionFiles? _files;

    public LogsOfPools()
    {
        Clock.Advance(TimeSpan.FromHours(1));
    }

    /// <summary>Bytes of all logs together at most.</summary>
    public long Room { get; init; } = BytesMax;

    public ManualClock Clock { get; } = new();

    public FaultLog Told { get; } = new();

    /// <summary>Made by the loop.</summary>
    public string Folder => Path.Combine(_root.FullName, "decisions");

    /// <summary>Bytes that the disk still takes.</summary>
    public long Free { get; set; } = long.MaxValue;

    /// <summary>Nothing is written before.</summary>
    public Task Ready { get; set; } = Task.CompletedTask;

    /// <summary>Files whose names contain it cannot be deleted.</summary>
    public string Undeletable { get; set; } = "/none/";

    /// <summary>Files whose names contain it cannot be made.</summary>
    public string Uncreatable { get; set; } = "/none/";

    public DecisionFiles Files => _files ??= Start();

    /// <summary>The logs that there are, the oldest first.</summary>
    public string[] Names => [.. new DirectoryInfo(Folder).GetFiles().Select(f => f.Name).Order()];

    /// <summary>Replays all of them.</summary>
    public ReplayResult[] Replay() =>
        [.. Names.Select(n => PoolReplay.Run(File.ReadAllBytes(Path.Combine(Folder, n))))];

    public long Bytes => new DirectoryInfo(Folder).GetFiles().Sum(f => f.Length);

    /// <summary>A header that no router is behind.</summary>
    public static byte[] Header { get; } = new byte[300];

    public static LogState State(int bytes)
    {
        var state = new LogState();
        state.Write(new byte[bytes]);
        return state;
    }

    /// <summary>Completes once all that was handed over is written, or lost.</summary>
    public Task WhenIdleAsync() => Until.TrueAsync(() => Files.HasRoom(DecisionFiles.QueuedBytesMax));

    /// <summary>Hands over a whole log of one pool: a header, and as many bytes of records.</summary>
    public async Task WriteAsync(ILogSink pool, int bytes)
    {
        pool.Begin(Header, null);
        for (; bytes > 0; bytes -= 1 << 16)
        {
            pool.Append(new byte[Math.Min(bytes, 1 << 16)]);
        }

        await WhenIdleAsync();
    }

    /// <summary>The process ends, and another begins in the same folder.</summary>
    public async Task RestartAsync()
    {
        await Files.DisposeAsync();
        _files = null;
    }

    public async ValueTask DisposeAsync()
    {
        await Files.DisposeAsync();
        _root.Delete(recursive: true);
        Assert.Empty(Told.All);
    }

    private DecisionFiles Start() => new(
        new LogFolder(Folder, Room) { Disk = new LogDisk(Create, Delete) }, Clock,
        Told.CreateLogger<DecisionFiles>());

    private FullDisk Create(string path) => path.Contains(Uncreatable, StringComparison.Ordinal)
        ? throw new UnauthorizedAccessException($"{path} is not to be made")
        : new FullDisk(LogDisk.System.Create(path), this);

    private void Delete(string path)
    {
        if (path.Contains(Undeletable, StringComparison.Ordinal))
        {
            throw new UnauthorizedAccessException($"{path} is not to be deleted");
        }

        File.Delete(path);
    }

    /// <summary>A file on a disk that may be full: then it takes a part of what is written, as disks do.</summary>
    private sealed class FullDisk(Stream file, LogsOfPools disk) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position
        {
            get => file.Position;
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancel = default)
        {
            await disk.Ready;
            var fits = (int)Math.Min(buffer.Length, disk.Free);
            await file.WriteAsync(buffer[..fits], cancel);
            disk.Free -= fits;
            if (fits < buffer.Length)
            {
                throw new IOException("no space left on the device");
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Flush() => file.Flush();

        protected override void Dispose(bool disposing)
        {
            file.Dispose();
            base.Dispose(disposing);
        }
    }
}
