using System.Buffers;

namespace Penstock.Gateway.Ledger;

/// <summary>Takes the records of a journal, in order.</summary>
internal interface IJournalReader
{
    /// <summary>An admission, and where it starts.</summary>
    void Admitted(JournalPosition at, in AdmissionRecord record);

    void Settled(JournalPosition at, in SettlementRecord record);
}

/// <summary>
/// Reads a journal from its oldest record on, while it is being appended to. Bytes that are not a record (a page that
/// a power failure kept from the disk) are skipped up to the next record: what comes after damage is not lost.
/// One reader, one thread at a time.
/// </summary>
internal sealed class JournalCursor(UsageJournal journal)
{
    private const int ScanBytes = 64 * 1024;
    private readonly byte[] _frame = new byte[JournalFormat.FrameBytesMax];

    /// <summary>Where the next record is looked for.</summary>
    public JournalPosition Position { get; private set; }

    /// <summary>
    /// Bytes that should have been records and were not. A killed process may leave part of one record, which it had
    /// not acknowledged.
    /// </summary>
    public long BytesDamaged { get; private set; }

    /// <summary>
    /// Reads at most <paramref name="recordsMax"/> records of segments before <paramref name="segmentEnd"/> and
    /// returns how many there were.
    /// </summary>
    public int Read(IJournalReader reader, int recordsMax, long segmentEnd = long.MaxValue)
    {
        var count = 0;
        while (count < recordsMax && journal.SegmentFrom(Position.Segment) is { } segment
            && segment.Sequence < segmentEnd)
        {
            if (Position.Segment != segment.Sequence)
            {
                Position = new(segment.Sequence, JournalFormat.HeaderBytes);
            }

            var closed = segment.IsClosed;
            var end = segment.End;
            if (Position.Offset < end)
            {
                count += TryTake(segment, end, reader) ? 1 : 0;
            }
            else if (closed)
            {
                Position = new(segment.Sequence + 1, JournalFormat.HeaderBytes);
            }
            else
            {
                break;
            }
        }

        return count;
    }

    /// <summary>Takes the record at the position, or moves on to where the next one may be.</summary>
    private bool TryTake(JournalSegment segment, int end, IJournalReader reader)
    {
        var bytes = _frame.AsSpan(0, Math.Min(_frame.Length, end - Position.Offset));
        segment.Read(Position.Offset, bytes);
        if (JournalFormat.TryReadFrame(bytes, Position, segment.Seed, out var kind, out var payload)
            && Deliver(kind, payload, reader))
        {
            Position = new(Position.Segment, Math.Min(end, Position.Offset + JournalFormat.FrameBytes(payload.Length)));
            return true;
        }

        var filling = JournalFormat.ReadFilling(bytes, Position, segment.Seed);
        Position = new(
            Position.Segment, filling > 0 ? Math.Min(end, Position.Offset + filling) : FindNext(segment, end));
        return false;
    }

    private bool Deliver(RecordKind kind, ReadOnlySpan<byte> payload, IJournalReader reader)
    {
        if (kind == RecordKind.Admission && RecordCodec.TryDecode(payload, out AdmissionRecord admission))
        {
            reader.Admitted(Position, admission);
            return true;
        }

        if (kind == RecordKind.Settlement && RecordCodec.TryDecode(payload, out SettlementRecord settlement))
        {
            reader.Settled(Position, settlement);
            return true;
        }

        return false;
    }

    /// <summary>The start of the next whole record after the position, or the end of the segment.</summary>
    private int FindNext(JournalSegment segment, int end)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ScanBytes + JournalFormat.FrameBytesMax);
        try
        {
            var contentEnd = Position.Offset;
            for (var from = Position.Offset; from < end; from += ScanBytes)
            {
                var bytes = buffer.AsSpan(0, Math.Min(ScanBytes + JournalFormat.FrameBytesMax, end - from));
                segment.Read(from, bytes);
                var scanned = Math.Min(ScanBytes, bytes.Length);
                for (var i = NextContent(bytes, 0, scanned); i < scanned; i = NextContent(bytes, i + 8, scanned))
                {
                    contentEnd = Math.Min(end, from + i + 8);
                    var at = new JournalPosition(segment.Sequence, from + i);
                    if (at > Position && JournalFormat.TryReadFrame(bytes[i..], at, segment.Seed, out _, out _))
                    {
                        BytesDamaged += at.Offset - Position.Offset;
                        return at.Offset;
                    }
                }
            }

            BytesDamaged += contentEnd - Position.Offset;
            return end;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The first multiple of 8 from <paramref name="start"/> on whose 8 bytes are not all zero.</summary>
    private static int NextContent(ReadOnlySpan<byte> bytes, int start, int end)
    {
        if (start >= end)
        {
            return end;
        }

        var content = bytes[start..end].IndexOfAnyExcept((byte)0);
        return content < 0 ? end : start + (content & ~7);
    }
}
