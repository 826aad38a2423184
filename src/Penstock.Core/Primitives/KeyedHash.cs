using System.Buffers.Binary;
using System.Numerics;

namespace Penstock.Core.Primitives;

/// <summary>
/// A 64-bit hash that somebody who does not know the key cannot aim: what is hashed is multiplied with what only the
/// key tells, and both halves of the product are kept. The way of multiplying and folding is that of Wang Yi's wyhash
/// (https://github.com/wangyi-fudan/wyhash); the values are not its values.
/// </summary>
/// <remarks>
/// <see cref="Hash64"/> is not enough where texts come from strangers: in XXH64 a change of one word that another word
/// of the same lane makes good is good for about every second seed, known or not. The same bytes and key give the same
/// value in every process and on every machine. Not a message authentication code.
/// </remarks>
public static class KeyedHash
{
    private const int Stripe = 32;

    // The digits of pi after its point, as Blowfish takes them; nothing up the sleeve.
    private const ulong C0 = 0x243F6A8885A308D3UL;
    private const ulong C1 = 0x13198A2E03707344UL;
    private const ulong C2 = 0xA4093822299F31D0UL;
    private const ulong C3 = 0x082EFA98EC4E6C89UL;

    /// <summary>The hash of <paramref name="data"/> under <paramref name="key"/>.</summary>
    public static ulong Of(ReadOnlySpan<byte> data, ulong key)
    {
        var length = (ulong)data.Length;
        var first = Scatter(key ^ C0);
        var second = Scatter(key ^ C1);
        var left = first ^ C2;
        var right = second ^ C3;
        while (data.Length >= Stripe)
        {
            Take(data, first, second, ref left, ref right);
            data = data[Stripe..];
        }

        if (!data.IsEmpty)
        {
            Span<byte> last = stackalloc byte[Stripe];
            last.Clear();
            data.CopyTo(last);
            Take(last, first, second, ref left, ref right);
        }

        return Scatter(Fold(left ^ first, BitOperations.RotateLeft(right, 32) ^ second) + (length * C0));
    }

    /// <summary>Two words into each half, which do not wait for each other.</summary>
    private static void Take(ReadOnlySpan<byte> data, ulong first, ulong second, ref ulong left, ref ulong right)
    {
        left = Fold(
            BinaryPrimitives.ReadUInt64LittleEndian(data) ^ first,
            BinaryPrimitives.ReadUInt64LittleEndian(data[8..]) ^ left);
        right = Fold(
            BinaryPrimitives.ReadUInt64LittleEndian(data[16..]) ^ second,
            BinaryPrimitives.ReadUInt64LittleEndian(data[24..]) ^ right);
    }

    private static ulong Fold(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    /// <summary>Every bit of the value depends on every bit of <paramref name="x"/>: the finalizer of SplitMix64
    /// (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).</summary>
    private static ulong Scatter(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }
}
