using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Penstock.Core.Primitives;

/// <summary>
/// XXH64 (Yann Collet's xxHash, 64-bit variant, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
/// The same bytes and seed give the same value in every process and on every machine. Not for secrets.
/// </summary>
public static class Hash64
{
    private const ulong P1 = 0x9E3779B185EBCA87UL;
    private const ulong P2 = 0xC2B2AE3D27D4EB4FUL;
    private const ulong P3 = 0x165667B19E3779F9UL;
    private const ulong P4 = 0x85EBCA77C2B2AE63UL;
    private const ulong P5 = 0x27D4EB2F165667C5UL;

    /// <summary>The hash of <paramref name="data"/>, started from <paramref name="seed"/>.</summary>
    public static ulong Of(ReadOnlySpan<byte> data, ulong seed = 0)
    {
        var length = (ulong)data.Length;
        ulong h;
        if (data.Length >= 32)
        {
            var v1 = seed + P1 + P2;
            var v2 = seed + P2;
            var v3 = seed;
            var v4 = seed - P1;
            do
            {
                v1 = Round(v1, BinaryPrimitives.ReadUInt64LittleEndian(data));
                v2 = Round(v2, BinaryPrimitives.ReadUInt64LittleEndian(data[8..]));
                v3 = Round(v3, BinaryPrimitives.ReadUInt64LittleEndian(data[16..]));
                v4 = Round(v4, BinaryPrimitives.ReadUInt64LittleEndian(data[24..]));
                data = data[32..];
            }
            while (data.Length >= 32);

            h = BitOperations.RotateLeft(v1, 1) + BitOperations.RotateLeft(v2, 7)
                + BitOperations.RotateLeft(v3, 12) + BitOperations.RotateLeft(v4, 18);
            h = Merge(Merge(Merge(Merge(h, v1), v2), v3), v4);
        }
        else
        {
            h = seed + P5;
        }

        return Finish(h + length, data);
    }

    /// <summary>The hash of the UTF-8 form of <paramref name="text"/>.</summary>
    public static ulong Of(string text, ulong seed = 0) => Of(Encoding.UTF8.GetBytes(text), seed);

    /// <summary>Two values made into one; the order matters.</summary>
    public static ulong Combine(ulong a, ulong b)
    {
        var h = (a ^ (b * P2)) * P1;
        h ^= h >> 32;
        h *= P3;
        return h ^ (h >> 29);
    }

    private static ulong Finish(ulong h, ReadOnlySpan<byte> tail)
    {
        while (tail.Length >= 8)
        {
            h ^= Round(0, BinaryPrimitives.ReadUInt64LittleEndian(tail));
            h = (BitOperations.RotateLeft(h, 27) * P1) + P4;
            tail = tail[8..];
        }

        if (tail.Length >= 4)
        {
            h ^= BinaryPrimitives.ReadUInt32LittleEndian(tail) * P1;
            h = (BitOperations.RotateLeft(h, 23) * P2) + P3;
            tail = tail[4..];
        }

        foreach (var b in tail)
        {
            h ^= b * P5;
            h = BitOperations.RotateLeft(h, 11) * P1;
        }

        h = (h ^ (h >> 33)) * P2;
        h = (h ^ (h >> 29)) * P3;
        return h ^ (h >> 32);
    }

    private static ulong Round(ulong accumulator, ulong input) =>
        BitOperations.RotateLeft(accumulator + (input * P2), 31) * P1;

    private static ulong Merge(ulong h, ulong v) => ((h ^ Round(0, v)) * P1) + P4;
}
