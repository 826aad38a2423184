namespace Penstock.Core.KvSync;

/// <summary>
/// Takes what a replica's blocks turn out to be in the router's own keys. Keys of one call follow each other in their
/// prompt, blocks that were there before left out. Spans are valid during the call.
/// </summary>
public interface IKvKeySink
{
    /// <summary>Blocks are in a tier that were not in it before.</summary>
    void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens);

    /// <summary>Blocks are no longer in a tier.</summary>
    void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys);

    /// <summary>A rank holds nothing any more, in any tier.</summary>
    void Cleared(int rank);
}
