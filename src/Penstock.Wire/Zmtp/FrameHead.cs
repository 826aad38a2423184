using System.Buffers.Binary;

namespace Penstock.Wire.Zmtp;

/// <summary>The head of one frame: flags and size.</summary>
internal readonly record struct FrameHead(byte Flags, ulong Size, int Bytes)
{
    public bool IsCommand => (Flags & ZmtpWriter.Command) != 0;

    public bool HasMore => (Flags & ZmtpWriter.More) != 0;

    /// <summary>True where the bits that the protocol reserves are zero, as they must be.</summary>
    public bool IsValid => (Flags & ~(ZmtpWriter.Command | ZmtpWriter.Long | ZmtpWriter.More)) == 0
        && !(IsCommand && HasMore);

    /// <summary>Reads the head that <paramref name="bytes"/> begin with; false where it is not all there.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHead head)
    {
        head = default;
        if (bytes.IsEmpty)
        {
            return false;
        }

        var isLong = (bytes[0] & ZmtpWriter.Long) != 0;
        if (bytes.Length < (isLong ? 9 : 2))
        {
            return false;
        }

        head = isLong
            ? new FrameHead(bytes[0], BinaryPrimitives.ReadUInt64BigEndian(bytes[1..]), 9)
            : new FrameHead(bytes[0], bytes[1], 2);
        return true;
    }
}
