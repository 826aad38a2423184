using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>One request as the engine's scheduler sees it: sizes and prefix hashes, no text.</summary>
/// <param name="Id">Unique among the requests in the engine.</param>
/// <param name="PromptTokens">Tokens of the prompt, at least 1.</param>
/// <param name="OutputTokens">Tokens it will produce unless cancelled, at least 1.</param>
/// <param name="Chain">
/// The chained hash of each full block of prompt and answer, from the first block on (see <see cref="PromptChain"/>).
/// It may stop early: blocks beyond its end are never shared.
/// </param>
/// <param name="Tokens">
/// The tokens of prompt and answer, for the KV events; may be left out. The engine decides nothing by them.
/// </param>
public readonly record struct EngineRequest(
    long Id,
    int PromptTokens,
    int OutputTokens,
    ReadOnlyMemory<ulong> Chain = default,
    ReadOnlyMemory<uint> Tokens = default);

/// <summary>What became of a submitted request.</summary>
public enum SubmitVerdict
{
    Accepted,

    /// <summary>Prompt and answer do not fit into the model's window.</summary>
    TooLong,

    /// <summary>As many requests wait as may.</summary>
    QueueFull,
}

/// <summary>What happened to a request.</summary>
public enum EngineEventKind
{
    /// <summary>It entered the batch; <see cref="EngineEvent.Tokens"/> of its prompt were in the cache.</summary>
    Scheduled,

    /// <summary>Its first token is there.</summary>
    FirstToken,

    /// <summary>One more token is there.</summary>
    Token,

    /// <summary>It lost its memory to an older request and waits to be computed again.</summary>
    Preempted,

    /// <summary>Its last token is there; its memory is free.</summary>
    Finished,
}

/// <summary>Something that happened to a request at a point of virtual time.</summary>
/// <param name="Tokens">Tokens produced so far; for <c>Scheduled</c> the tokens found in the cache.</param>
public readonly record struct EngineEvent(EngineEventKind Kind, long RequestId, Instant At, int Tokens);

/// <summary>The engine's counters at one moment; totals since it was made.</summary>
public readonly record struct EngineCounters
{
    public required int Running { get; init; }

    public required int Waiting { get; init; }

    public required int KvBlocksUsed { get; init; }

    public required int KvBlocks { get; init; }

    /// <summary>Prompt tokens looked up in the prefix cache, once a request.</summary>
    public required long PrefixQueries { get; init; }

    /// <summary>Prompt tokens found there.</summary>
    public required long PrefixHits { get; init; }

    public required long Preemptions { get; init; }

    /// <summary>Prompt tokens of requests that got their first token.</summary>
    public required long PromptTokens { get; init; }

    public required long GenerationTokens { get; init; }

    public required long Submitted { get; init; }

    public required long Finished { get; init; }

    public required long Cancelled { get; init; }

    public required long Steps { get; init; }

    /// <summary>The share of blocks that running requests hold, 0 to 1.</summary>
    public double KvUsage => (double)KvBlocksUsed / KvBlocks;
}
