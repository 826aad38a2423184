using System.Buffers.Binary;
using Penstock.Core.Primitives;

namespace Penstock.Core.Recording;

/// <summary>What the next bytes of a log are.</summary>
public enum ChunkKind : byte
{
    /// <summary>A whole chunk.</summary>
    Whole,

    /// <summary>Nothing: the log ends here.</summary>
    End,

    /// <summary>The beginning of a chunk whose rest was never written: the writer was ended in the middle.</summary>
    Torn,

    /// <summary>Not what was written there.</summary>
    Damaged,
}

/// <summary>
/// A log is a row of chunks: a head of 16 bytes, and a payload. The head is the payload's length (4 bytes), XXH64 of
/// the payload (8 bytes), and the lower half of XXH64 of these 12 bytes (4 bytes), all little-endian: a length that is
/// not what was written is told from a payload that was cut off. The first payload is the header, then come those of
/// the state where the header says so, the others are whole records.
/// </summary>
public static class LogChunk
{
    /// <summary>Bytes before a payload.</summary>
    public const int HeadBytes = 16;

    private const int CheckedBytes = 12;

    /// <summary>Writes what goes before <paramref name="payload"/>.</summary>
    public static void WriteHead(ReadOnlySpan<byte> payload, Span<byte> head)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(head[4..], Hash64.Of(payload));
        BinaryPrimitives.WriteUInt32LittleEndian(head[CheckedBytes..], CheckOf(head));
    }

    /// <summary>Takes the next payload off the front of <paramref name="input"/>, which otherwise stays as it is.
    /// </summary>
    public static ChunkKind Take(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (input.Length < HeadBytes)
        {
            return input.IsEmpty ? ChunkKind.End : ChunkKind.Torn;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(input[CheckedBytes..]) != CheckOf(input))
        {
            // Room that a file system had set aside when the power failed reads as zeros.
            return input.ContainsAnyExcept((byte)0) ? ChunkKind.Damaged : ChunkKind.Torn;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(input);
        if (length > input.Length - HeadBytes)
        {
            return ChunkKind.Torn;
        }

        var found = input.Slice(HeadBytes, (int)length);
        if (BinaryPrimitives.ReadUInt64LittleEndian(input[4..]) != Hash64.Of(found))
        {
            return ChunkKind.Damaged;
        }

        payload = found;
        input = input[(HeadBytes + (int)length)..];
        return ChunkKind.Whole;
    }

    private static uint CheckOf(ReadOnlySpan<byte> head) => (uint)Hash64.Of(head[..CheckedBytes]);
}
