using Penstock.Core.Recording;

namespace Penstock.Gateway.Recording;

/// <summary>
/// The logs of one pool, one after the other: takes what its writer hands over under the pool's lock, and knows whether
/// the next may begin.
/// </summary>
/// <remarks>What the writer calls is called under the pool's lock; <see cref="Failed"/> and <see cref="Went"/> by the
/// loop that writes.</remarks>
internal sealed class PoolLogs(DecisionFiles files, string pool) : ILogSink
{
    /// <summary>A pool whose log failed begins no other before; each failure in a row doubles it.</summary>
    public static readonly TimeSpan PatienceMin = TimeSpan.FromSeconds(5);
    public static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(5);

    private LogFile? _log;
    private TimeSpan _patience = PatienceMin;
    private long _retryAt;
    private bool _isTooLarge;

    /// <summary>As the configuration calls it.</summary>
    public string Pool => pool;

    /// <summary>As its files are called.</summary>
    public string FileName { get; } = LogFolder.NameOf(pool);

    /// <summary>It was said that its log cannot be written. Of the loop that writes.</summary>
    public bool IsFailing { get; set; }

    public long LogBytesMax => files.LogBytesMax;

    /// <summary>Not while the last log failed a moment ago, and not with a state that leaves its log no room.</summary>
    public bool CanBegin(long stateBytes)
    {
        var isTooLarge = stateBytes > LogBytesMax / 2;
        if (isTooLarge && !_isTooLarge)
        {
            files.TellTooLarge(this, stateBytes);
        }

        _isTooLarge = isTooLarge;
        return !isTooLarge && files.HasRoom(stateBytes) && files.Elapsed >= Volatile.Read(ref _retryAt);
    }

    public bool CanTake(long bytes) => _log is { IsLost: false } && files.HasRoom(bytes);

    public void Begin(ReadOnlySpan<byte> header, LogState? state)
    {
        _log = new LogFile(this);
        files.Add(new LogPiece(_log, PieceKind.Begin, header.ToArray(), state));
    }

    public void Append(ReadOnlySpan<byte> payload)
    {
        if (_log is not null)
        {
            files.Add(new LogPiece(_log, PieceKind.Append, payload.ToArray(), null));
        }
    }

    public void GiveUp() => files.GiveUp();

    public void End()
    {
        files.Leave(this);
        if (_log is not null)
        {
            files.Add(new LogPiece(_log, PieceKind.End, [], null));
        }
    }

    /// <summary>Its log could not be written.</summary>
    public void Failed()
    {
        Volatile.Write(ref _retryAt, files.Elapsed + _patience.Ticks);
        _patience = _patience * 2 < PatienceMax ? _patience * 2 : PatienceMax;
    }

    /// <summary>Its log is written.</summary>
    public void Went() => _patience = PatienceMin;
}

/// <summary>One log on its way to its file. The loop that writes owns it.</summary>
internal sealed class LogFile(PoolLogs pool)
{
    private volatile bool _isLost;

    public PoolLogs Pool => pool;

    /// <summary>Part of it could not be written: what comes after would not fit. Read by the pool, too.</summary>
    public bool IsLost
    {
        get => _isLost;
        set => _isLost = value;
    }

    /// <summary>Null before it was begun, and when it is closed.</summary>
    public Stream? Stream { get; set; }

    public string Path { get; set; } = "";

    /// <summary>There is something in it that can be replayed.</summary>
    public bool HasRecords { get; set; }
}

/// <summary>What is to be done with a piece.</summary>
internal enum PieceKind : byte
{
    /// <summary>A log begins with it, and with a state where there is one.</summary>
    Begin,

    /// <summary>It goes to the end of its log.</summary>
    Append,

    /// <summary>Its log is complete.</summary>
    End,
}

/// <summary>A part of a log that waits to be written.</summary>
internal sealed record LogPiece(LogFile Log, PieceKind Kind, byte[] Payload, LogState? State)
{
    /// <summary>Bytes of memory that it holds.</summary>
    public long Bytes { get; } = Payload.Length + (State?.Bytes ?? 0);

    /// <summary>Bytes that it takes on the disk.</summary>
    public long BytesOnDisk { get; } = Kind == PieceKind.End
        ? 0
        : Payload.Length + LogChunk.HeadBytes
            + (State?.Pieces.Sum(static p => (long)p.Length + LogChunk.HeadBytes) ?? 0);
}
