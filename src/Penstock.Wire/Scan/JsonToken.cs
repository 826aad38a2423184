namespace Penstock.Wire.Scan;

/// <summary>What <see cref="JsonScanner.Next"/> found.</summary>
internal enum JsonToken : byte
{
    /// <summary>The document goes on, but not in the bytes so far.</summary>
    NeedMore,
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key,
    Comma,
    String,
    Number,
    True,
    False,
    Null,

    /// <summary>The document is complete and only white space follows.</summary>
    End,

    /// <summary>The bytes are not JSON; see <see cref="JsonScanner.Error"/>.</summary>
    Error,
}
