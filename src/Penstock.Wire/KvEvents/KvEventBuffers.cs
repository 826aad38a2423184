namespace Penstock.Wire.KvEvents;

/// <summary>
/// The memory that events are decoded into, used again for each. An event that does not fit is handed out in parts, so
/// that its size is of no consequence. One per reader of batches at a time; about 21 KB.
/// </summary>
public sealed class KvEventBuffers
{
    /// <summary>Blocks handed out at once at most.</summary>
    public const int Blocks = 256;

    /// <summary>Token ids handed out at once at most; also the tokens of a block at most, beyond which its token ids
    /// are not read.</summary>
    public const int TokensMax = 4_096;

    internal ulong[] Hashes { get; } = new ulong[Blocks];

    internal ulong[] Extras { get; } = new ulong[Blocks];

    internal uint[] Tokens { get; } = new uint[TokensMax];
}
