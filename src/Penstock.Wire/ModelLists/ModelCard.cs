using System.Collections.Immutable;

namespace Penstock.Wire.ModelLists;

/// <summary>One entry of an engine's <c>GET /v1/models</c>.</summary>
public sealed record ModelCard(string Id)
{
    /// <summary>Who made the list, such as <c>vllm</c>, <c>sglang</c> or <c>llamacpp</c>.</summary>
    public string? OwnedBy { get; init; }

    /// <summary>Tokens of prompt and answer together.</summary>
    public long? ContextTokens { get; init; }

    public string? DisplayName { get; init; }

    /// <summary>Other names that the engine takes for it.</summary>
    public ImmutableArray<string> Aliases { get; init; } = [];

    /// <summary>The model that an adapter (LoRA) was loaded on; null for a model of its own.</summary>
    public string? Parent { get; init; }
}
