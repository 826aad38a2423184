using System.Buffers.Binary;

namespace Penstock.Core.Config;

/// <summary>The SHA-256 of an API key: 32 bytes as a value.</summary>
public readonly record struct KeyHash(ulong A, ulong B, ulong C, ulong D)
{
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public static KeyHash FromDigest(ReadOnlySpan<byte> digest) =>
        digest.Length == 32
            ? new(
                BinaryPrimitives.ReadUInt64BigEndian(digest),
                BinaryPrimitives.ReadUInt64BigEndian(digest[8..]),
                BinaryPrimitives.ReadUInt64BigEndian(digest[16..]),
                BinaryPrimitives.ReadUInt64BigEndian(digest[24..]))
            : throw new ArgumentException("a SHA-256 digest has 32 bytes", nameof(digest));
}
