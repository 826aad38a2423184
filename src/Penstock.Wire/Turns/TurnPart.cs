using System.Collections.Immutable;

namespace Penstock.Wire.Turns;

/// <summary>One part of a message: the closed set of kinds below.</summary>
public abstract record TurnPart
{
    /// <summary>Where it stood in the request, for errors; null where nothing can go wrong with it later.</summary>
    public string? Path { get; init; }

    public ImmutableArray<ExtraField> Extra { get; init; } = [];
}

/// <summary>Plain text.</summary>
public sealed record TextPart(string Text) : TurnPart;

/// <summary>A picture.</summary>
public sealed record ImagePart(MediaSource Source) : TurnPart;

/// <summary>A document: a file, or its text, or parts that make it up.</summary>
public sealed record DocumentPart(MediaSource Source) : TurnPart
{
    public string? Title { get; init; }

    /// <summary>What the model should know about it.</summary>
    public string? Context { get; init; }

    /// <summary>The parts of a document given as parts.</summary>
    public ImmutableArray<TurnPart> Content { get; init; } = [];
}

/// <summary>The model's call of a tool; the arguments are a JSON object.</summary>
public sealed record ToolCallPart(string Id, string Name, RawJson Arguments) : TurnPart;

/// <summary>What a tool answered.</summary>
public sealed record ToolResultPart(string ToolCallId, ImmutableArray<TurnPart> Content) : TurnPart
{
    public bool IsError { get; init; }
}

/// <summary>The model's thinking. Without its signature the Anthropic API does not take it back.</summary>
public sealed record ThinkingPart(string Text, string? Signature) : TurnPart;

/// <summary>Thinking that only the provider can read.</summary>
public sealed record RedactedThinkingPart(string Data) : TurnPart;

/// <summary>
/// A part that the neutral model does not know. The dialect it came from writes it back as it was. Crossing to
/// another dialect: as <paramref name="TextForm"/> where there is one, dropped from an assistant's message (the
/// history of provider-side tools), and refused from a user's, for the model would answer without having seen it.
/// </summary>
public sealed record UnknownPart(string Type, RawJson Json, string? TextForm) : TurnPart;

/// <summary>How a picture or document is given.</summary>
public enum MediaSourceKind
{
    Base64,
    Url,
    FileId,
    Text,
    Parts,
}

/// <summary>The content of a picture or document, or where it is.</summary>
/// <param name="Kind">How it is given.</param>
/// <param name="Value">Base64 data, a URL, a file id or the text; empty for parts.</param>
/// <param name="MediaType">Such as <c>image/png</c>; null where it is not known.</param>
public sealed record MediaSource(MediaSourceKind Kind, string Value, string? MediaType);
