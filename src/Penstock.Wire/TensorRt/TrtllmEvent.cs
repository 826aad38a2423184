namespace Penstock.Wire.TensorRt;

/// <summary>What an event of the cache is about.</summary>
public enum TrtllmEventKind : byte
{
    /// <summary>A kind that is not known here. Its number still counts.</summary>
    Other,

    /// <summary>The cache was made, empty. Comes with the first request, not with the start of the engine.</summary>
    Created,

    /// <summary>Blocks that follow one another were stored.</summary>
    Stored,

    /// <summary>Blocks are gone from every tier.</summary>
    Removed,

    /// <summary>A block moved to another tier, or its priority changed.</summary>
    Updated,
}

/// <summary>One stored block.</summary>
/// <param name="Hash">The engine's name for it.</param>
/// <param name="TokenStart">Where its tokens begin in <see cref="TrtllmEvent.Tokens"/>.</param>
/// <param name="TokenCount">How many they are; fewer than a block has in the last block of a prompt.</param>
/// <param name="Level">0: on the device; 1: in host memory; higher: further away.</param>
/// <param name="IsPrivate">Something besides the tokens is part of it (a salt, an image, an adapter), so that other
/// prompts of the same tokens do not find it.</param>
public readonly record struct TrtllmBlock(ulong Hash, int TokenStart, int TokenCount, int Level, bool IsPrivate);

/// <summary>
/// One event of <c>POST /kv_cache_events</c>. The spans belong to the reader and are valid until the next event.
/// </summary>
public readonly ref struct TrtllmEvent
{
    /// <summary>Counts from 0 in every process of the engine, for each rank.</summary>
    public long Id { get; init; }

    /// <summary>The attention data-parallel rank; 0 where there are none.</summary>
    public int Rank { get; init; }

    /// <summary>The attention window that the blocks belong to, in tokens; 0: not told.</summary>
    public long Window { get; init; }

    public TrtllmEventKind Kind { get; init; }

    /// <summary>Stored: the block before the first one; null: they begin the prompt.</summary>
    public ulong? Parent { get; init; }

    /// <summary>Stored: the blocks, each the parent of the next.</summary>
    public ReadOnlySpan<TrtllmBlock> Blocks { get; init; }

    /// <summary>Stored: the tokens of all blocks.</summary>
    public ReadOnlySpan<uint> Tokens { get; init; }

    /// <summary>Removed: the blocks that are gone. Updated: the one block.</summary>
    public ReadOnlySpan<ulong> Hashes { get; init; }

    /// <summary>Updated: the tier that it is in now; null: that did not change.</summary>
    public int? NewLevel { get; init; }

    /// <summary>Created: blocks of each tier, the device first.</summary>
    public ReadOnlySpan<long> BlocksPerLevel { get; init; }
}

/// <summary>Takes events in the order of the document.</summary>
public interface ITrtllmEventVisitor
{
    void Visit(in TrtllmEvent happened);
}
