namespace Penstock.Gateway.Ledger;

/// <summary>Sizes and times of a <see cref="UsageJournal"/>.</summary>
internal sealed record JournalOptions
{
    public const int SegmentBytesMin = 64 * 1024;

    /// <summary>The size of a segment file; its room on disk is taken when it is made.</summary>
    public int SegmentBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Admissions are refused once the journal is this large: storage has been slow or gone for long. Settlements of
    /// what was admitted before are still taken.
    /// </summary>
    public long BytesMax { get; init; } = 1L << 30;

    /// <summary>
    /// How often appended records are forced to disk, as a group. A killed process loses nothing; a power failure
    /// loses this much at most, and the time that a flush takes.
    /// </summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(SegmentBytes, SegmentBytesMin);
        ArgumentOutOfRangeException.ThrowIfNotEqual(SegmentBytes % SegmentBytesMin, 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(BytesMax, 2L * SegmentBytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(FlushInterval, TimeSpan.Zero);
    }
}

/// <summary>What became of an append.</summary>
internal enum AppendStatus
{
    Appended,

    /// <summary>The journal has reached its largest size. Only admissions get this.</summary>
    Full,

    /// <summary>No further segment can be made: the disk is full or fails.</summary>
    NoSpace,

    /// <summary>The journal was closed.</summary>
    Closed,
}

/// <summary>The answer to an append.</summary>
/// <param name="Status">Whether it is in the journal.</param>
/// <param name="End">Where the record ends: what to wait for with <see cref="UsageJournal.FlushedAsync"/>.</param>
internal readonly record struct AppendResult(AppendStatus Status, JournalPosition End)
{
    public bool Accepted => Status == AppendStatus.Appended;
}

/// <summary>Figures of a journal for metrics. Counts are since it was opened.</summary>
internal readonly record struct JournalStats
{
    /// <summary>Admissions appended.</summary>
    public required long Admissions { get; init; }

    /// <summary>Settlements appended.</summary>
    public required long Settlements { get; init; }

    /// <summary>Appends that were not taken.</summary>
    public required long Refused { get; init; }

    /// <summary>The size now: segments not yet deleted.</summary>
    public required long Bytes { get; init; }

    /// <summary>The size at which admissions are refused.</summary>
    public required long BytesMax { get; init; }

    /// <summary>Groups forced to disk.</summary>
    public required long Flushes { get; init; }

    /// <summary>Groups that could not be.</summary>
    public required long FlushFailures { get; init; }
}
