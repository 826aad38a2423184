namespace Penstock.Gateway.Ledger;

/// <summary>
/// The durable outbox of usage: an append-only journal in memory-mapped files. An append is one copy into the page
/// cache under a short lock, allocates nothing and makes no system call, except the one in many thousands that starts
/// a new segment, and the one after a flush, which sets the timer of the next. Once it returns, the record outlives the
/// process; a background thread forces groups of records to disk. Thread-safe.
/// </summary>
internal sealed class UsageJournal : IDisposable
{
    private const string LockFile = "journal.lock";

    /// <summary>Taken by every append, so a record is whole before the next one starts: there are no gaps.</summary>
    private readonly Lock _gate = new();

    private readonly JournalOptions _options;
    private readonly FileStream _processLock;
    private readonly JournalSegments _segments;
    private readonly ulong _seed;
    private readonly JournalFlusher _flusher;
    private bool _closed;

    /// <summary>A flush is coming that will cover what is appended now.</summary>
    private bool _flushIsDue;

    private TaskCompletionSource? _awaited;
    private JournalPosition _applied;

    /// <summary>Where the last record ends, or the first will begin.</summary>
    private JournalPosition _recordsEnd;

    private long _admissions;
    private long _settlements;
    private long _refused;

    private UsageJournal(string directory, JournalOptions options, TimeProvider time, FileStream processLock)
    {
        _options = options;
        _processLock = processLock;
        _segments = new JournalSegments(directory, options.SegmentBytes);
        _seed = JournalFormat.SeedOf(_segments.Journal);
        _recordsEnd = _segments.End;
        _flusher = new JournalFlusher(this, options.FlushInterval, time);
    }

    /// <summary>Random, kept as long as any segment is.</summary>
    public Guid Id => _segments.Journal;

    /// <summary>Segments before this one were left by an earlier process.</summary>
    public long FirstOwnSegment => _segments.FirstOwn;

    public JournalStats Stats
    {
        get
        {
            lock (_gate)
            {
                return new JournalStats
                {
                    Admissions = _admissions,
                    Settlements = _settlements,
                    Refused = _refused,
                    Bytes = _segments.Bytes,
                    BytesMax = _options.BytesMax,
                    Flushes = _flusher.Flushes,
                    FlushFailures = _flusher.Failures,
                };
            }
        }
    }

    /// <summary>Opens a journal, or makes one. Records of earlier processes are read with a cursor.</summary>
    /// <exception cref="IOException">Another process has it open, or the disk is full or fails.</exception>
    public static UsageJournal Open(string directory, JournalOptions options, TimeProvider time)
    {
        options.Validate();
        Directory.CreateDirectory(directory);
        var processLock = ProcessLock.Take(Path.Combine(directory, LockFile));
        try
        {
            return new UsageJournal(directory, options, time, processLock);
        }
        catch
        {
            processLock.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Records that an attempt is about to reach an engine. Where it is not accepted, refuse the request.
    /// </summary>
    public AppendResult Admit(in AdmissionRecord record)
    {
        Span<byte> frame = stackalloc byte[JournalFormat.FrameBytesMax];
        var length = RecordCodec.Encode(record, frame[JournalFormat.FrameHeaderBytes..]);
        return Append(frame, length, RecordKind.Admission);
    }

    /// <summary>
    /// Records how an attempt ended. Where it is not accepted (the disk is full), the attempt is settled with an
    /// estimate at the next start, as if the process had died. Counts that cannot be true are bounded and the usage
    /// is marked as an estimate: an engine that lies must not break the sums.
    /// </summary>
    public AppendResult Settle(in SettlementRecord record)
    {
        Span<byte> frame = stackalloc byte[JournalFormat.FrameBytesMax];
        var usage = record.Usage.Bounded();
        var length = usage == record.Usage
            ? RecordCodec.Encode(record, frame[JournalFormat.FrameHeaderBytes..])
            : RecordCodec.Encode(
                record with { Usage = usage, UsageIsEstimated = true }, frame[JournalFormat.FrameHeaderBytes..]);
        return Append(frame, length, RecordKind.Settlement);
    }

    /// <summary>Completes once everything before the position is on disk.</summary>
    /// <exception cref="IOException">The disk failed to take it.</exception>
    public ValueTask FlushedAsync(JournalPosition end, CancellationToken cancellation = default) =>
        _flusher.FlushedAsync(end, cancellation);

    /// <summary>The oldest segment that is not before <paramref name="sequence"/>; null past the last.</summary>
    public JournalSegment? SegmentFrom(long sequence) => _segments.From(sequence);

    /// <summary>Where the next record will go.</summary>
    public JournalPosition End()
    {
        lock (_gate)
        {
            return _segments.End;
        }
    }

    /// <summary>Completes once there is a record at or after the position.</summary>
    public Task AppendedAsync(JournalPosition position)
    {
        lock (_gate)
        {
            if (_recordsEnd > position)
            {
                return Task.CompletedTask;
            }

            _awaited ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _awaited.Task;
        }
    }

    /// <summary>The end, for a flush that begins now: what is appended from here on needs another, and goes to another
    /// page, since who writes to a page that the disk is taking waits for the disk.</summary>
    internal JournalPosition EndToFlush()
    {
        lock (_gate)
        {
            if (_flushIsDue && !_closed)
            {
                _segments.Active.FillPage();
            }

            _flushIsDue = false;
            return _segments.End;
        }
    }

    /// <summary>Deletes the segments before <paramref name="sequence"/>, but never the active one.</summary>
    public void DeleteBefore(long sequence)
    {
        JournalSegment[] gone;
        lock (_gate)
        {
            gone = _segments.RemoveBefore(sequence);
        }

        foreach (var segment in gone)
        {
            segment.Delete();
        }
    }

    /// <summary>Says that nothing before the position is needed any more, so that closing may delete it all.</summary>
    public void MarkApplied(JournalPosition end) => _applied = end;

    /// <summary>True while the next segment has not been made ahead.</summary>
    public bool NeedsSpare => _segments.NeedsSpare && !Volatile.Read(ref _closed);

    /// <summary>Makes so many bytes after the end ready to be written to, and the next segment ahead of need. Called by
    /// the flusher.</summary>
    public void Prepare(int ahead)
    {
        if (NeedsSpare)
        {
            var made = _segments.TryPrepare();
            made?.PopulateAhead(ahead);
            lock (_gate)
            {
                made = _closed ? made : _segments.OfferSpare(made);
            }

            made?.Delete();
        }

        JournalSegment active;
        lock (_gate)
        {
            active = _segments.Active;
        }

        active.PopulateAhead(ahead);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            _segments.Active.Close();
        }

        _flusher.Dispose();
        _segments.Close(delete: _applied >= _recordsEnd);
        _processLock.Dispose();
    }

    private AppendResult Append(Span<byte> frame, int payloadLength, RecordKind kind)
    {
        var frameBytes = JournalFormat.FrameBytes(payloadLength);
        var payload = frame.Slice(JournalFormat.FrameHeaderBytes, payloadLength);
        var hash = JournalFormat.PayloadHash(kind, payload, _seed);
        JournalPosition end;
        bool isFirst;
        TaskCompletionSource? awaited;
        lock (_gate)
        {
            var status = MakeRoom(frameBytes, kind);
            if (status != AppendStatus.Appended)
            {
                _refused++;
                return new(status, default);
            }

            var at = _segments.End;
            JournalFormat.WriteFrameHeader(frame, kind, payloadLength, JournalFormat.Check(hash, at));
            _segments.Active.Append(frame[..frameBytes]);
            _ = kind == RecordKind.Admission ? _admissions++ : _settlements++;
            end = _recordsEnd = _segments.End;
            (isFirst, _flushIsDue) = (!_flushIsDue, true);
            (awaited, _awaited) = (_awaited, null);
        }

        if (isFirst)
        {
            _flusher.WakeLater();
        }

        awaited?.TrySetResult();
        return new(AppendStatus.Appended, end);
    }

    private AppendStatus MakeRoom(int frameBytes, RecordKind kind)
    {
        if (_closed)
        {
            return AppendStatus.Closed;
        }

        if (kind == RecordKind.Admission)
        {
            if (_segments.Bytes + frameBytes > _options.BytesMax)
            {
                return AppendStatus.Full;
            }

            // What is left of the last segment is for the settlements of what was admitted.
            if (_segments.SpareFailed)
            {
                return AppendStatus.NoSpace;
            }
        }

        if (_segments.Active.HasRoomFor(frameBytes))
        {
            return AppendStatus.Appended;
        }

        if (!_segments.TryBeginNext())
        {
            return AppendStatus.NoSpace;
        }

        _flusher.Wake();
        return AppendStatus.Appended;
    }
}
