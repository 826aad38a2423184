namespace Penstock.Core.Prefixes;

/// <summary>How an engine keeps the beginnings of prompts between requests.</summary>
public enum CacheKind : byte
{
    /// <summary>Not known: hosted services, and engines that do not tell.</summary>
    Unknown,

    /// <summary>Blocks of fixed size, the least recently used ones evicted first (vLLM, TensorRT-LLM).</summary>
    Paged,

    /// <summary>A radix tree whose least recently used leaves are evicted first (SGLang).</summary>
    Radix,

    /// <summary>A few slots that each hold one whole conversation (llama.cpp). A request takes the slot that it shares
    /// most with, else the one used longest ago, whose content is then gone or moves to the host.</summary>
    Slots,

    /// <summary>Nothing is kept: the engine was started without prefix caching.</summary>
    Off,
}

/// <summary>
/// The form and size of an engine's prefix cache, as far as the engine tells: what a mirror of it must be like. Sizes
/// are tokens of all data-parallel ranks together; zero means not known. Immutable.
/// </summary>
public readonly record struct CacheShape
{
    public CacheKind Kind { get; init; }

    /// <summary>Tokens that fit into the device memory of all ranks.</summary>
    public long CapacityTokens { get; init; }

    /// <summary>Tokens of a block or page: what is shorter is not shared between requests.</summary>
    public int BlockTokens { get; init; }

    /// <summary>Slots, where the kind is <see cref="CacheKind.Slots"/>.</summary>
    public int Slots { get; init; }

    /// <summary>Data-parallel ranks behind the one address, each with an equal part of the capacity as a cache of its
    /// own: a prefix on one rank is no hit on another.</summary>
    public int Ranks { get; init; }

    /// <summary>Tokens of the tier in host memory.</summary>
    public long HostTokens { get; init; }

    /// <summary>Tokens of the tier on disk or in a store shared by several engines.</summary>
    public long DiskTokens { get; init; }

    /// <summary>What leaves the device goes to host memory, whether its size is known or not. False where the engine
    /// does not say so and its build is not known to do so.</summary>
    public bool HasHost { get; init; }

    /// <summary>The same for disk or a shared store.</summary>
    public bool HasDisk { get; init; }

    /// <summary>What it costs to use what is not on the device.</summary>
    public RestoreCosts Restoring { get; init; }

    /// <summary>Tokens of one slot; zero where there are none.</summary>
    public long SlotTokens => Slots > 0 ? CapacityTokens / Slots : 0;

    /// <summary>Tokens that one rank holds on its device.</summary>
    public long RankTokens => CapacityTokens / Math.Max(1, Ranks);

    /// <summary>Blocks that fit into the device memory of all ranks; zero where either size is not known.</summary>
    public long Blocks => BlockTokens > 0 ? CapacityTokens / BlockTokens : 0;
}

/// <summary>Where a cached block lies, the fastest first.</summary>
public enum CacheTier : byte
{
    Device,
    Host,
    Disk,
    Shared,
}
