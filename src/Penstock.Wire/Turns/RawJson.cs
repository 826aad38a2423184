namespace Penstock.Wire.Turns;

/// <summary>
/// One JSON value as its bytes, carried from one dialect to the other without being re-encoded: key order, number
/// forms and white space stay, as prompt caches need.
/// </summary>
public readonly record struct RawJson(ReadOnlyMemory<byte> Utf8)
{
    /// <summary><c>{}</c></summary>
    public static RawJson EmptyObject { get; } = new("{}"u8.ToArray());

    /// <summary>A copy of the given bytes, which must be one JSON value.</summary>
    public static RawJson CopyOf(ReadOnlySpan<byte> utf8) => new(utf8.ToArray());
}

/// <summary>
/// A field that the neutral model has no place for. Only a writer of the dialect it came from writes it.
/// </summary>
public readonly record struct ExtraField(string Name, RawJson Value);
