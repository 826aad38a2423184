namespace Penstock.Core.KvSync;

/// <summary>What kind of attention a group of cache blocks serves, which says what a block in it means for a prefix.
/// </summary>
public enum KvSpecKind : byte
{
    /// <summary>Every token is kept: a prefix is reusable as far as its blocks are there. Also where nothing is said.
    /// </summary>
    Full,

    /// <summary>Only the last tokens are kept: older blocks go while the prefix stays usable.</summary>
    SlidingWindow,

    /// <summary>Tokens of the current chunk are kept.</summary>
    ChunkedLocal,

    /// <summary>A recurrent state, kept at some points of the prompt only.</summary>
    State,

    /// <summary>Something with a name not known here.</summary>
    Other,
}
