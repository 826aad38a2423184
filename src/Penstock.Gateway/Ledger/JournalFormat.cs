using System.Buffers.Binary;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Ledger;

/// <summary>What a record's payload is. The numbers are written to disk: never change them.</summary>
internal enum RecordKind : uint
{
    Admission = 1,
    Settlement = 2,

    /// <summary>No record: nothing up to the next page.</summary>
    Filling = 3,
}

/// <summary>A place in the journal: positions grow with every append.</summary>
/// <param name="Segment">The sequence number of the segment.</param>
/// <param name="Offset">Bytes from the start of the segment's file.</param>
internal readonly record struct JournalPosition(long Segment, int Offset) : IComparable<JournalPosition>
{
    public static bool operator <(JournalPosition a, JournalPosition b) => a.CompareTo(b) < 0;

    public static bool operator >(JournalPosition a, JournalPosition b) => a.CompareTo(b) > 0;

    public static bool operator <=(JournalPosition a, JournalPosition b) => a.CompareTo(b) <= 0;

    public static bool operator >=(JournalPosition a, JournalPosition b) => a.CompareTo(b) >= 0;

    public int CompareTo(JournalPosition other) =>
        Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);
}

/// <summary>
/// The bytes of a segment file: a header of 64 bytes, then frames, then zeros. A frame is <c>u32 length, u32 kind,
/// u64 check, payload</c>, little-endian, padded to 8 bytes. The check covers kind, payload, place and the journal's
/// random id, so bytes of another place, another journal, or chosen by a client never pass for a record. A frame of
/// kind <see cref="RecordKind.Filling"/> has no payload: its length says how many bytes it takes up, its header
/// included.
/// </summary>
internal static class JournalFormat
{
    public const int HeaderBytes = 64;
    public const int FrameHeaderBytes = 16;
    public const int FrameBytesMax = (FrameHeaderBytes + RecordCodec.PayloadBytesMax + 7) & ~7;

    /// <summary>"PNSTKJ01" read as a little-endian number.</summary>
    private const ulong Magic = 0x31304A4B54534E50;

    public static int FrameBytes(int payloadLength) => (FrameHeaderBytes + payloadLength + 7) & ~7;

    /// <summary>The part of the check that does not depend on the place.</summary>
    public static ulong PayloadHash(RecordKind kind, ReadOnlySpan<byte> payload, ulong seed) =>
        Hash64.Of(payload, seed + (ulong)kind);

    public static ulong Check(ulong payloadHash, JournalPosition at) =>
        Hash64.Combine(payloadHash, ((ulong)at.Segment << 32) | (uint)at.Offset);

    public static void WriteFrameHeader(Span<byte> frame, RecordKind kind, int payloadLength, ulong check)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, payloadLength);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], (uint)kind);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[8..], check);
    }

    /// <summary>
    /// True where a whole frame starts at the start of <paramref name="bytes"/>, which reach to the end of what may
    /// be read.
    /// </summary>
    public static bool TryReadFrame(
        ReadOnlySpan<byte> bytes, JournalPosition at, ulong seed, out RecordKind kind, out ReadOnlySpan<byte> payload)
    {
        kind = default;
        payload = default;
        if (bytes.Length < FrameHeaderBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        kind = (RecordKind)BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (length is <= 0 or > RecordCodec.PayloadBytesMax || length > bytes.Length - FrameHeaderBytes
            || kind is not (RecordKind.Admission or RecordKind.Settlement))
        {
            return false;
        }

        payload = bytes.Slice(FrameHeaderBytes, length);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) == Check(PayloadHash(kind, payload, seed), at);
    }

    public static void WriteFilling(Span<byte> frame, int bytes, JournalPosition at, ulong seed) =>
        WriteFrameHeader(frame, RecordKind.Filling, bytes, FillingCheck(bytes, at, seed));

    /// <summary>The bytes that a filling takes up which starts at the start of <paramref name="bytes"/>; 0 where none
    /// does.</summary>
    public static int ReadFilling(ReadOnlySpan<byte> bytes, JournalPosition at, ulong seed)
    {
        if (bytes.Length < FrameHeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) != (uint)RecordKind.Filling)
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return length >= FrameHeaderBytes
            && BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) == FillingCheck(length, at, seed) ? length : 0;
    }

    private static ulong FillingCheck(int bytes, JournalPosition at, ulong seed)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes);
        return Check(PayloadHash(RecordKind.Filling, length, seed), at);
    }

    public static void WriteHeader(Span<byte> header, Guid journal, long sequence)
    {
        header[..HeaderBytes].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        journal.TryWriteBytes(header[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], Hash64.Of(header[..32]));
    }

    /// <summary>The journal that a header names; null where it is damaged.</summary>
    public static Guid? ReadHeader(ReadOnlySpan<byte> header, long sequence) =>
        header.Length >= HeaderBytes
        && BinaryPrimitives.ReadUInt64LittleEndian(header) == Magic
        && BinaryPrimitives.ReadInt64LittleEndian(header[24..]) == sequence
        && BinaryPrimitives.ReadUInt64LittleEndian(header[32..]) == Hash64.Of(header[..32])
            ? new Guid(header.Slice(8, 16))
            : null;

    public static ulong SeedOf(Guid journal)
    {
        Span<byte> bytes = stackalloc byte[16];
        journal.TryWriteBytes(bytes);
        return Hash64.Of(bytes);
    }
}
