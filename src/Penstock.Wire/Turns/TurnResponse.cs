using System.Collections.Immutable;
using Penstock.Core.Metering;

namespace Penstock.Wire.Turns;

/// <summary>A whole answer, in neither dialect. Immutable.</summary>
public sealed record TurnResponse
{
    /// <summary>Text, thinking and tool calls in their order.</summary>
    public required ImmutableArray<TurnPart> Parts { get; init; }

    public required StopReason StopReason { get; init; }

    /// <summary>The stop sequence that was met, where the engine names it.</summary>
    public string? StopSequence { get; init; }

    /// <summary>Why the model refused, in words, where it did and says so.</summary>
    public string? Refusal { get; init; }

    public required TokenUsage Usage { get; init; }
}

/// <summary>Why the model stopped.</summary>
public enum StopReason
{
    /// <summary>It was done.</summary>
    EndTurn,

    /// <summary>The limit of output tokens was reached.</summary>
    MaxTokens,

    /// <summary>A stop sequence came up.</summary>
    StopSequence,

    /// <summary>It waits for tools.</summary>
    ToolUse,

    /// <summary>A provider-side tool loop paused; the client may send the turn back to go on.</summary>
    PauseTurn,

    /// <summary>It refused, or a filter did.</summary>
    Refusal,

    /// <summary>The context window is full.</summary>
    ContextFull,
}
