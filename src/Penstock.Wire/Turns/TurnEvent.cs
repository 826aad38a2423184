using Penstock.Core.Metering;
using Penstock.Core.Outcomes;

namespace Penstock.Wire.Turns;

/// <summary>What an event of a streamed answer says.</summary>
public enum TurnEventKind
{
    /// <summary>
    /// The answer begins. Once, first. <see cref="TurnEvent.Usage"/> holds what is known of the prompt.
    /// </summary>
    Start,

    /// <summary>More text.</summary>
    Text,

    /// <summary>More thinking.</summary>
    Thinking,

    /// <summary>The signature of the thinking that ends here.</summary>
    Signature,

    /// <summary>Thinking that only the provider can read, whole.</summary>
    RedactedThinking,

    /// <summary>More of a refusal's words.</summary>
    Refusal,

    /// <summary>A tool call begins.</summary>
    ToolStart,

    /// <summary>More of the arguments of the tool call begun last.</summary>
    ToolArguments,

    /// <summary>The part that is open ends.</summary>
    PartStop,

    /// <summary>Usage so far, whole: replaces what was said before.</summary>
    Usage,

    /// <summary>Why the model stopped. No content follows; usage may.</summary>
    Finish,

    /// <summary>Nothing, to keep the connection alive.</summary>
    Ping,

    /// <summary>The answer is complete. Once, last.</summary>
    End,

    /// <summary>The answer breaks off. Last.</summary>
    Error,
}

/// <summary>
/// One event of a streamed answer, in neither dialect. All text is UTF-8 in JSON-escaped form without the quotes, as
/// it stood in the engine's event: both dialects carry it inside a JSON string, so it is copied and never decoded.
/// Valid only during the call that hands it over.
/// </summary>
public readonly ref struct TurnEvent(TurnEventKind kind)
{
    public TurnEventKind Kind { get; } = kind;

    /// <summary>Escaped: the delta; for a finish the stop sequence met, for a redacted thinking its data.</summary>
    public ReadOnlySpan<byte> Text { get; init; }

    /// <summary>Escaped: the id of the tool call; empty where the engine gave none.</summary>
    public ReadOnlySpan<byte> ToolId { get; init; }

    /// <summary>Escaped: the name of the tool.</summary>
    public ReadOnlySpan<byte> ToolName { get; init; }

    public StopReason Stop { get; init; }

    public TokenUsage Usage { get; init; }

    public Failure? Failure { get; init; }
}

/// <summary>Takes the events of one streamed answer in their order.</summary>
public interface ITurnSink
{
    void Take(in TurnEvent e);
}
