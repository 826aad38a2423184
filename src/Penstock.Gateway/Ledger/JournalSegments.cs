namespace Penstock.Gateway.Ledger;

/// <summary>
/// The segments of one journal: those left by earlier processes, those of this one, the active one, and the spare that
/// is next. Changed under the journal's lock; <see cref="From"/> may be called from any thread.
/// </summary>
internal sealed class JournalSegments
{
    private readonly string _directory;
    private readonly int _segmentBytes;

    /// <summary>Oldest first, the active one last; replaced whole.</summary>
    private volatile JournalSegment[] _all;

    private JournalSegment? _spare;
    private long _closedBytes;

    /// <exception cref="IOException">The disk is full or fails.</exception>
    public JournalSegments(string directory, int segmentBytes)
    {
        _directory = directory;
        _segmentBytes = segmentBytes;
        JournalSegment.DeleteUnfinished(directory);
        var (old, last) = OpenOld(directory);
        Journal = old.Select(segment => segment.Journal).FirstOrDefault(id => id is not null) ?? Guid.NewGuid();
        foreach (var segment in old)
        {
            segment.AssumeJournal(Journal);
            _closedBytes += segment.Capacity;
        }

        FirstOwn = last + 1;
        Active = Prepare();
        Active.Begin(Journal, FirstOwn);
        _all = [.. old, Active];
    }

    /// <summary>Random, kept as long as any segment is.</summary>
    public Guid Journal { get; }

    /// <summary>The sequence number of the first segment of this process.</summary>
    public long FirstOwn { get; }

    public JournalSegment Active { get; private set; }

    public bool NeedsSpare => _spare is null;

    /// <summary>True since the last try to make a segment failed.</summary>
    public bool SpareFailed { get; private set; }

    /// <summary>What all segments hold; closed ones count in full.</summary>
    public long Bytes => _closedBytes + Active.End;

    public JournalPosition End => new(Active.Sequence, Active.End);

    /// <summary>The oldest segment that is not before <paramref name="sequence"/>; null past the last.</summary>
    public JournalSegment? From(long sequence)
    {
        foreach (var segment in _all)
        {
            if (segment.Sequence >= sequence)
            {
                return segment;
            }
        }

        return null;
    }

    /// <summary>A segment to offer as the spare; null where none can be made. Needs no lock.</summary>
    public JournalSegment? TryPrepare()
    {
        try
        {
            return Prepare();
        }
        catch (Exception failure) when (IsDiskFailure(failure))
        {
            return null;
        }
    }

    /// <summary>Takes the segment as the spare, or hands it back where there is one.</summary>
    public JournalSegment? OfferSpare(JournalSegment? made)
    {
        SpareFailed = made is null && _spare is null;
        if (_spare is not null)
        {
            return made;
        }

        _spare = made;
        return null;
    }

    /// <summary>Closes the active segment and begins the next. False where the disk does not let it.</summary>
    public bool TryBeginNext()
    {
        try
        {
            _spare ??= Prepare();
            _spare.Begin(Journal, Active.Sequence + 1);
        }
        catch (Exception failure) when (IsDiskFailure(failure))
        {
            SpareFailed = true;
            return false;
        }

        Active.Close();
        _closedBytes += Active.Capacity;
        (Active, _spare) = (_spare, null);
        _all = [.. _all, Active];
        return true;
    }

    /// <summary>Forgets the segments before <paramref name="sequence"/>, but never the active one.</summary>
    public JournalSegment[] RemoveBefore(long sequence)
    {
        JournalSegment[] gone = [.. _all.Where(segment => segment.Sequence < sequence && segment != Active)];
        _all = [.. _all.Except(gone)];
        _closedBytes -= gone.Sum(segment => (long)segment.Capacity);
        return gone;
    }

    /// <summary>Unmaps all segments, and deletes them where nobody needs them any more.</summary>
    public void Close(bool delete)
    {
        _spare?.Delete();
        foreach (var segment in _all)
        {
            if (delete)
            {
                segment.Delete();
            }
            else
            {
                segment.Dispose();
            }
        }
    }

    private static bool IsDiskFailure(Exception failure) => failure is IOException or UnauthorizedAccessException;

    private static (List<JournalSegment> Segments, long Last) OpenOld(string directory)
    {
        var segments = new List<JournalSegment>();
        var last = 0L;
        foreach (var path in JournalSegment.Files(directory))
        {
            last = JournalSegment.SequenceOf(path);
            if (JournalSegment.OpenExisting(path) is { } segment)
            {
                segments.Add(segment);
            }
            else
            {
                File.Delete(path);
            }
        }

        return (segments, last);
    }

    private JournalSegment Prepare() => JournalSegment.Prepare(_directory, _segmentBytes);
}
