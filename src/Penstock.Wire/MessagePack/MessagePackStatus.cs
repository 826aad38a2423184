namespace Penstock.Wire.MessagePack;

/// <summary>Whether a <see cref="MessagePackReader"/> can go on, and if not, why.</summary>
public enum MessagePackStatus : byte
{
    Ok,

    /// <summary>The bytes end inside a value, or a count says more than the bytes left could hold.</summary>
    Truncated,

    /// <summary>The next value is not of the type asked for, or does not fit the type of the result.</summary>
    WrongType,

    /// <summary>A byte that the format reserves.</summary>
    Reserved,
}
