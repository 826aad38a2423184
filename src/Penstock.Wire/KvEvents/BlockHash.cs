using System.Buffers.Binary;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// An engine's name of a block. vLLM writes an unsigned number, or the whole digest as bytes; SGLang a signed number.
/// All become 64 bits; of a digest the last eight, big-endian, which is the number that vLLM itself makes of it.
/// </summary>
internal static class BlockHash
{
    /// <summary>Reads a hash in any of the forms; a value of another type is a failure.</summary>
    public static bool TryRead(ref MessagePackReader reader, out ulong hash)
    {
        if (reader.Next != MessagePackType.Binary)
        {
            return reader.TryReadBits(out hash);
        }

        hash = 0;
        if (!reader.TryReadBinary(out var digest) || digest.IsEmpty)
        {
            return false;
        }

        hash = digest.Length >= 8 ? BinaryPrimitives.ReadUInt64BigEndian(digest[^8..]) : Short(digest);
        return true;
    }

    private static ulong Short(ReadOnlySpan<byte> digest)
    {
        var hash = 0UL;
        foreach (var b in digest)
        {
            hash = (hash << 8) | b;
        }

        return hash;
    }
}
