using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>What happened to cached content.</summary>
public enum CacheEventKind
{
    /// <summary>Blocks can be found from now on.</summary>
    Stored,

    /// <summary>Blocks are lost.</summary>
    Removed,

    /// <summary>Everything is lost.</summary>
    Cleared,
}

/// <summary>
/// A change of what an engine has cached. A block is there while it was stored more often than removed: paged memory
/// tells of every copy, as vLLM does. A restart of the engine is not among the events, as a process that dies says
/// nothing.
/// </summary>
public readonly record struct CacheEvent
{
    public required CacheEventKind Kind { get; init; }

    public required Instant At { get; init; }

    /// <summary>
    /// Steps that had ended when it happened: equal for all that an engine would publish in one batch.
    /// </summary>
    public required long Step { get; init; }

    /// <summary>
    /// The blocks, each hash that of <see cref="EngineRequest.Chain"/>; stored ones follow each other.
    /// </summary>
    public ReadOnlyMemory<ulong> Hashes { get; init; }

    /// <summary>The block before the first stored one; null at the start of a prompt.</summary>
    public ulong? Parent { get; init; }

    /// <summary>
    /// The tokens of stored blocks, block after block; empty where the request did not bring its tokens. It is a part
    /// of <see cref="EngineRequest.Tokens"/>.
    /// </summary>
    public ReadOnlyMemory<uint> Tokens { get; init; }
}
