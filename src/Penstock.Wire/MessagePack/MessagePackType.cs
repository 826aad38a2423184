namespace Penstock.Wire.MessagePack;

/// <summary>What the next value of a MessagePack text is, as its first byte says.</summary>
public enum MessagePackType : byte
{
    /// <summary>There is no next value: the bytes are at an end, or reading has failed.</summary>
    None,
    Nil,
    Boolean,

    /// <summary>A whole number of any width, signed or not.</summary>
    Integer,
    Float,
    Text,
    Binary,
    Array,
    Map,
    Extension,
}
