namespace Penstock.Gateway.Requests;

/// <summary>Request ids as clients see them: <c>req_</c> and 26 letters of Crockford's base 32.</summary>
internal static class RequestIds
{
    private const string Letters = "0123456789abcdefghjkmnpqrstvwxyz";

    public static string Format(Guid id) => string.Create(30, id, static (chars, id) =>
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        var high = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var low = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        var value = new UInt128(high, low);
        "req_".CopyTo(chars);
        for (var i = chars.Length - 1; i >= 4; i--)
        {
            chars[i] = Letters[(int)(value & 31)];
            value >>= 5;
        }
    });
}
