namespace Penstock.Core.Prefixes;

/// <summary>How an engine keeps the prefixes that it has computed.</summary>
public enum CacheKind : byte
{
    /// <summary>Not known: taken for <see cref="Paged"/> with a capacity that is learned.</summary>
    Unknown,

    /// <summary>Blocks of a fixed size; those that no request holds are lost least recently used first (vLLM,
    /// TensorRT-LLM).</summary>
    Paged,

    /// <summary>A tree of token runs; whole leaves are lost, the least recently used first (SGLang).</summary>
    Radix,

    /// <summary>A fixed number of sequences, each the last one that a slot served (llama.cpp).</summary>
    Slots,
}

/// <summary>The prefix cache of one replica, as far as it is known; 0 stands for what is not.</summary>
public readonly record struct CacheShape
{
    public CacheKind Kind { get; init; }

    /// <summary>Tokens that the accelerator's memory holds.</summary>
    public long CapacityTokens { get; init; }

    /// <summary>Tokens in a block: hits are multiples of it.</summary>
    public int BlockTokens { get; init; }

    /// <summary>Sequences kept at a time, for <see cref="CacheKind.Slots"/>.</summary>
    public int Slots { get; init; }

    /// <summary>Tokens that are kept in the host's memory after they left the accelerator's.</summary>
    public long HostTokens { get; init; }

    /// <summary>Tokens that are kept on disk after that.</summary>
    public long DiskTokens { get; init; }
}

/// <summary>Where a cached block lies, the fastest first.</summary>
public enum CacheTier : byte
{
    Device,
    Host,
    Disk,
    Shared,
}
