namespace Penstock.Wire.MessagePack;

/// <summary>What the first byte of a value says (the table of formats in the specification).</summary>
internal static class MessagePackFormat
{
    /// <summary>Bytes of a nil, a boolean or a number with its first one; 0: the value is of another type.</summary>
    public static ReadOnlySpan<byte> Sizes =>
    [
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ];

    /// <summary>The type that <paramref name="first"/> begins; None for the one byte that is reserved.</summary>
    public static MessagePackType TypeOf(byte first) => first switch
    {
        <= 0x7F or >= 0xE0 or (>= 0xCC and <= 0xD3) => MessagePackType.Integer,
        <= 0x8F or 0xDE or 0xDF => MessagePackType.Map,
        <= 0x9F or 0xDC or 0xDD => MessagePackType.Array,
        <= 0xBF or (>= 0xD9 and <= 0xDB) => MessagePackType.Text,
        0xC0 => MessagePackType.Nil,
        0xC2 or 0xC3 => MessagePackType.Boolean,
        >= 0xC4 and <= 0xC6 => MessagePackType.Binary,
        0xCA or 0xCB => MessagePackType.Float,
        0xC1 => MessagePackType.None,
        _ => MessagePackType.Extension,
    };
}
