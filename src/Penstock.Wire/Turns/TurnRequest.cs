using System.Collections.Immutable;
using Penstock.Core.Models;

namespace Penstock.Wire.Turns;

/// <summary>
/// A request for the next turn of a conversation, in neither dialect. What both dialects can say is a property; what
/// only one can say is in <see cref="Extra"/> and survives only where that dialect is written again. Immutable.
/// </summary>
public sealed record TurnRequest
{
    /// <summary>The dialect that the request was read from.</summary>
    public required Dialect Source { get; init; }

    public required string Model { get; init; }

    /// <summary>The conversation in its order; system text is a message wherever it stood.</summary>
    public required ImmutableArray<TurnMessage> Messages { get; init; }

    public ImmutableArray<ToolDefinition> Tools { get; init; } = [];

    public ToolChoice? ToolChoice { get; init; }

    /// <summary>Whether the model may call several tools in one turn; null leaves it to the engine.</summary>
    public bool? ParallelToolCalls { get; init; }

    /// <summary>Tokens of the answer at most.</summary>
    public long? MaxTokens { get; init; }

    public ImmutableArray<string> StopSequences { get; init; } = [];

    /// <summary>0 to 2, as chat completions count it.</summary>
    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public long? TopK { get; init; }

    public bool Stream { get; init; }

    /// <summary>
    /// Whether a chat client asked for usage at the end of its stream. Anthropic streams always have it.
    /// </summary>
    public bool IncludeUsage { get; init; }

    public ResponseFormat? Format { get; init; }

    public Effort? Effort { get; init; }

    public ThinkingConfig? Thinking { get; init; }

    /// <summary>An opaque id of the end user.</summary>
    public string? UserId { get; init; }

    public ServiceTier? Tier { get; init; }

    public ImmutableArray<ExtraField> Extra { get; init; } = [];
}

/// <summary>Who speaks in a message.</summary>
public enum TurnRole
{
    System,
    User,
    Assistant,
}

/// <summary>One message: who speaks, and the parts said.</summary>
public sealed record TurnMessage(TurnRole Role, ImmutableArray<TurnPart> Parts)
{
    public ImmutableArray<ExtraField> Extra { get; init; } = [];
}

/// <summary>A tool that the model may call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does, in words for the model.</param>
/// <param name="Schema">The JSON schema of its arguments.</param>
public sealed record ToolDefinition(string Name, string? Description, RawJson Schema)
{
    /// <summary>Whether arguments must follow the schema exactly; null where the client did not say.</summary>
    public bool? Strict { get; init; }

    /// <summary>The provider's own tool type, such as <c>web_search_20250305</c>; null for a plain function.</summary>
    public string? ProviderType { get; init; }

    /// <summary>Where it stood in the request, for errors.</summary>
    public string? Path { get; init; }

    public ImmutableArray<ExtraField> Extra { get; init; } = [];
}

/// <summary>Whether the model may, must or must not call tools.</summary>
public enum ToolChoiceKind
{
    Auto,
    Any,
    Tool,
    None,
}

/// <summary>Which tools the model is to call; <paramref name="Name"/> only for one given tool.</summary>
public sealed record ToolChoice(ToolChoiceKind Kind, string? Name = null);

/// <summary>The shape that the answer's text must have: a schema, or any JSON object where there is none.</summary>
public sealed record ResponseFormat(RawJson? Schema, string? Name = null, bool? Strict = null);

/// <summary>How hard the model is to try.</summary>
public enum Effort
{
    None,
    Minimal,
    Low,
    Medium,
    High,
    ExtraHigh,
    Max,
}

/// <summary>Whether the model thinks before it answers.</summary>
public enum ThinkingMode
{
    Disabled,
    Enabled,
    Adaptive,
    BetweenTools,
}

/// <summary>Thinking, with the tokens it may take where the client says so.</summary>
public sealed record ThinkingConfig(ThinkingMode Mode, long? BudgetTokens = null)
{
    public ImmutableArray<ExtraField> Extra { get; init; } = [];
}

/// <summary>Which capacity may serve the request.</summary>
public enum ServiceTier
{
    Auto,
    Standard,
    Priority,
    Flex,
}
