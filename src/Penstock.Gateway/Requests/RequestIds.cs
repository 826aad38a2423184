using System.Buffers.Binary;
using System.Security.Cryptography;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Requests;

/// <summary>
/// Request ids: version 7 GUIDs (RFC 9562 §5.7), and as clients see them <c>req_</c> and 26 letters of Crockford's
/// base 32. Unique, and in the order of their milliseconds; no secrets, so their random bits need no system call each.
/// Thread-safe.
/// </summary>
internal static class RequestIds
{
    private const string Letters = "0123456789abcdefghjkmnpqrstvwxyz";

    [ThreadStatic]
    private static Rng _rng;

    [ThreadStatic]
    private static bool _seeded;

    /// <summary>A new id for a request that begins at <paramref name="now"/>.</summary>
    public static Guid Next(DateTimeOffset now)
    {
        if (!_seeded)
        {
            Span<byte> seed = stackalloc byte[8];
            RandomNumberGenerator.Fill(seed);
            _rng = new Rng(BinaryPrimitives.ReadUInt64LittleEndian(seed));
            _seeded = true;
        }

        Span<byte> bytes = stackalloc byte[16];
        var random = _rng.NextUInt64();
        BinaryPrimitives.WriteUInt64BigEndian(
            bytes, ((ulong)now.ToUnixTimeMilliseconds() << 16) | 0x7000 | (random & 0x0FFF));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], (_rng.NextUInt64() >> 2) | (1UL << 63));
        return new Guid(bytes, bigEndian: true);
    }

    public static string Format(Guid id) => string.Create(30, id, static (chars, id) =>
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        var value = new UInt128(
            BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
        "req_".CopyTo(chars);
        for (var i = chars.Length - 1; i >= 4; i--)
        {
            chars[i] = Letters[(int)(value & 31)];
            value >>= 5;
        }
    });
}
