using Penstock.Cli.Engine.Calls;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine.Answers;

/// <summary>All that an answer says about itself.</summary>
internal sealed record AnswerHead
{
    /// <summary>Hexadecimal; the dialects put their own prefixes before it.</summary>
    public required string Id { get; init; }

    /// <summary>The name under which the caller asked for the model.</summary>
    public required string Model { get; init; }

    /// <summary>Unix seconds.</summary>
    public required long Created { get; init; }

    public required int PromptTokens { get; init; }

    /// <summary>Prompt tokens that were in the cache; known with the first token.</summary>
    public int CachedTokens { get; set; }

    public required bool IncludeUsage { get; init; }

    /// <summary>Says in llama.cpp's way as well what was computed and what was cached.</summary>
    public bool TellsTimings { get; init; }

    public required ToolCall? Tool { get; init; }

    public required PlannedAnswer Answer { get; init; }
}

/// <summary>One dialect's way to write an answer, whole or as a stream. Stateless.</summary>
internal interface IAnswerFormat
{
    /// <summary>What comes before the first token.</summary>
    void Start(AnswerHead head, AnswerOutput output);

    /// <summary>The text of one token.</summary>
    void Delta(AnswerHead head, ReadOnlySpan<byte> text, AnswerOutput output);

    /// <summary>What comes after the last one.</summary>
    void End(AnswerHead head, AnswerOutput output);

    /// <summary>The answer as one document.</summary>
    void Whole(AnswerHead head, AnswerOutput output);
}
