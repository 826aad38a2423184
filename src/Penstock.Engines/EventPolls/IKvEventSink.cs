using Penstock.Wire.TensorRt;

namespace Penstock.Engines.EventPolls;

/// <summary>Why nothing that was believed of a rank's cache holds any longer.</summary>
public enum KvResetReason : byte
{
    /// <summary>These are the first events of the rank that came here: what was stored before is not known.</summary>
    Joined,

    /// <summary>The engine began to count anew, or made its cache anew: the cache is empty.</summary>
    Restarted,

    /// <summary>These are the first events of the rank that came here, and its first at all: all of it is known from
    /// now on.</summary>
    Began,
}

/// <summary>
/// Takes what happens in the cache of one replica, in order. Calls never overlap. They come from the poll's own loop
/// and must return at once; spans are valid for the call only.
/// </summary>
public interface IKvEventSink
{
    /// <summary>Forget what was believed of this rank; nothing else of it came before, or nothing holds.</summary>
    void Reset(int rank, KvResetReason reason);

    /// <summary>Events of this rank are missing: the engine's buffer was too small for the pace, or somebody else
    /// drains it as well. Blocks may be gone that are still believed to be there, and the other way about.</summary>
    void Lost(int rank, long events);

    /// <summary>The cache of this rank has so many blocks on each tier, the device first.</summary>
    /// <param name="rank">The attention data-parallel rank.</param>
    /// <param name="window">The attention window that these blocks serve, in tokens; 0: not told.</param>
    /// <param name="blocksPerLevel">At most eight tiers.</param>
    void Sized(int rank, long window, ReadOnlySpan<long> blocksPerLevel);

    /// <summary>Blocks were stored, each the parent of the next.</summary>
    void Stored(in StoredBlocks stored);

    /// <summary>Blocks are gone from every tier.</summary>
    void Removed(int rank, long window, ReadOnlySpan<ulong> blocks);

    /// <summary>A block is on another tier now; 0 is the device.</summary>
    void Moved(int rank, long window, ulong block, int level);
}

/// <summary>Blocks that follow one another.</summary>
public readonly ref struct StoredBlocks
{
    public required int Rank { get; init; }

    /// <summary>The attention window that the blocks serve, in tokens; 0: not told. Only those of the largest window
    /// hold whole prompts.</summary>
    public required long Window { get; init; }

    /// <summary>The engine's name for the block before the first one; null: they begin a prompt.</summary>
    public required ulong? Parent { get; init; }

    /// <summary>The blocks, with the engine's names for them.</summary>
    public required ReadOnlySpan<TrtllmBlock> Blocks { get; init; }

    /// <summary>The tokens of all blocks, to which each block points.</summary>
    public required ReadOnlySpan<uint> Tokens { get; init; }

    /// <summary>The tokens of one block.</summary>
    public ReadOnlySpan<uint> TokensOf(in TrtllmBlock block) => Tokens.Slice(block.TokenStart, block.TokenCount);
}
