using System.Buffers.Binary;
using Penstock.Core.Primitives;

namespace Penstock.Core.Recording;

/// <summary>
/// A log is a row of chunks: length (4 bytes), XXH64 (8 bytes, both little-endian), payload. The first payload is the
/// header, the second a checkpoint where the header says so, the others are whole records. A log that was torn off is
/// good up to its last whole chunk.
/// </summary>
public static class LogChunk
{
    /// <summary>Bytes before a payload.</summary>
    public const int HeadBytes = 12;

    /// <summary>Writes what goes before <paramref name="payload"/>.</summary>
    public static void WriteHead(ReadOnlySpan<byte> payload, Span<byte> head)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(head[4..], Hash64.Of(payload));
    }

    /// <summary>Takes the next payload off the front of <paramref name="input"/>; false where no whole one is left.
    /// </summary>
    public static bool TryTake(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (input.Length < HeadBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(input);
        if (length > input.Length - HeadBytes)
        {
            return false;
        }

        var found = input.Slice(HeadBytes, (int)length);
        if (BinaryPrimitives.ReadUInt64LittleEndian(input[4..]) != Hash64.Of(found))
        {
            return false;
        }

        payload = found;
        input = input[(HeadBytes + (int)length)..];
        return true;
    }
}
