namespace Penstock.Wire.Turns;

/// <summary>What a translation needs to know beside the bytes. Immutable; one per request.</summary>
public sealed record TranslationSettings
{
    /// <summary>The model name that the engine is asked for; null sends the client's own.</summary>
    public string? EngineModel { get; init; }

    /// <summary>The model name that the client is shown in the answer.</summary>
    public required string ClientModel { get; init; }

    /// <summary>What the answer's id is made of: <c>msg_…</c> or <c>chatcmpl-…</c>.</summary>
    public required string AnswerId { get; init; }

    /// <summary>Seconds since 1970, for the <c>created</c> field of chat completions.</summary>
    public long CreatedUnixSeconds { get; init; }

    /// <summary>
    /// Output tokens to ask an Anthropic engine for, which wants a number, where the client gave none.
    /// </summary>
    public long DefaultMaxTokens { get; init; } = 4096;

    /// <summary>
    /// Whether a chat client that streams asked for usage. Its request says so (see <see cref="AnswerForm"/>).
    /// </summary>
    public bool IncludeUsage { get; init; }

    /// <summary>
    /// Prompt tokens to say at the start of an Anthropic stream, where the engine tells them at the end only.
    /// </summary>
    public long InputTokensEstimate { get; init; }

    /// <summary>
    /// Whether <c>temperature</c>, <c>top_p</c> and <c>top_k</c> go to an Anthropic engine. Version 2026-10-21 and
    /// newer models refuse them.
    /// </summary>
    public bool SamplingToAnthropic { get; init; } = true;

    /// <summary>
    /// Ask an Anthropic engine for automatic caching: the nearest to the implicit caching of chat engines.
    /// </summary>
    public bool AutomaticCaching { get; init; }

    /// <summary>
    /// Whether thinking is carried as <c>reasoning_content</c>, a common extension of chat completions.
    /// </summary>
    public bool ReasoningContent { get; init; }

    /// <summary>
    /// Whether system text inside a conversation stays where it is. Else it is moved to the front, since many chat
    /// templates refuse it elsewhere.
    /// </summary>
    public bool KeepSystemPositions { get; init; }

    /// <summary>
    /// Whether the chat engine takes fields outside OpenAI's: <c>top_k</c> and <c>chat_template_kwargs</c>, as vLLM,
    /// SGLang and llama.cpp do.
    /// </summary>
    public bool EngineExtensions { get; init; }

    /// <summary>Whether the chat engine wants <c>max_completion_tokens</c> rather than <c>max_tokens</c>.</summary>
    public bool MaxCompletionTokens { get; init; }

    /// <summary>The highest <c>reasoning_effort</c> that the chat engine takes; null sends none.</summary>
    public Effort? EffortMax { get; init; } = Effort.High;
}

/// <summary>The form in which the client wants its answer.</summary>
/// <param name="Stream">As a stream of events.</param>
/// <param name="IncludeUsage">With usage at the end of the stream (chat completions only).</param>
public readonly record struct AnswerForm(bool Stream, bool IncludeUsage);
