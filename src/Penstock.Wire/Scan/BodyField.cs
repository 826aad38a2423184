using Penstock.Core.Models;

namespace Penstock.Wire.Scan;

/// <summary>A value in a body: its bytes from <see cref="Start"/> to <see cref="End"/>, quotes and brackets included.
/// </summary>
public readonly record struct ValueRange(int Start, int End)
{
    public bool IsPresent => End > 0;

    public int Length => End - Start;
}

/// <summary>The members of a request that Penstock reads; all others are forwarded unseen.</summary>
internal enum BodyField : byte
{
    Other,
    Model,
    Stream,
    MaxTokens,
    MaxCompletionTokens,
    Messages,
    Tools,
    System,
    StreamOptions,

    /// <summary>One of <see cref="CacheFields"/>.</summary>
    Cache,
}

internal static class BodyFields
{
    /// <summary>The field of a member name without quotes and escapes; what only the other dialect knows is
    /// <see cref="BodyField.Other"/>.</summary>
    public static BodyField Identify(ReadOnlySpan<byte> name, Dialect dialect) => name.Length switch
    {
        5 when name.SequenceEqual("model"u8) => BodyField.Model,
        5 when name.SequenceEqual("tools"u8) => BodyField.Tools,
        6 when name.SequenceEqual("stream"u8) => BodyField.Stream,
        6 when dialect == Dialect.Anthropic && name.SequenceEqual("system"u8) => BodyField.System,
        8 when name.SequenceEqual("messages"u8) => BodyField.Messages,
        10 when name.SequenceEqual("max_tokens"u8) => BodyField.MaxTokens,
        14 when dialect == Dialect.OpenAiChat && name.SequenceEqual("stream_options"u8) => BodyField.StreamOptions,
        21 when dialect == Dialect.OpenAiChat && name.SequenceEqual("max_completion_tokens"u8) =>
            BodyField.MaxCompletionTokens,
        _ => BodyField.Other,
    };

    public static string NameOf(BodyField field) => field switch
    {
        BodyField.Model => "model",
        BodyField.Stream => "stream",
        BodyField.MaxTokens => "max_tokens",
        BodyField.MaxCompletionTokens => "max_completion_tokens",
        BodyField.Messages => "messages",
        BodyField.Tools => "tools",
        BodyField.System => "system",
        BodyField.StreamOptions => "stream_options",
        _ => "",
    };

    /// <summary>Those whose content makes up the prompt.</summary>
    public static bool IsPrompt(BodyField field) =>
        field is BodyField.Messages or BodyField.Tools or BodyField.System;
}
