using System.Collections.Immutable;
using Penstock.Core.Prefixes;

namespace Penstock.Engines;

/// <summary>What a probe found out about an engine. Null and zero: not told.</summary>
public sealed record EngineIdentity
{
    /// <summary>The adapter that speaks to it.</summary>
    public required EngineAdapter Adapter { get; init; }

    public string? Version { get; init; }

    public ImmutableArray<ServedModel> Models { get; init; } = [];

    public EngineCapabilities Capabilities { get; init; }

    /// <summary>Tokens of prompt and answer together, for the first model.</summary>
    public long? ContextTokens { get; init; }

    /// <summary>Requests that it works on at a time; more wait in it.</summary>
    public long? Slots { get; init; }

    /// <summary>Tokens of a block of its prefix cache.</summary>
    public long? BlockTokens { get; init; }

    /// <summary>Tokens that its KV cache holds, all data-parallel ranks together.</summary>
    public long? KvTokens { get; init; }

    /// <summary>The form and size of its prefix cache, for a mirror of it.</summary>
    public CacheShape Cache { get; init; }

    /// <summary>Where it publishes what happens in that cache; null: not told. vLLM never tells.</summary>
    public KvEventSource? KvEvents { get; init; }

    /// <summary>No real model is behind it, and it says so itself.</summary>
    public bool Simulated { get; init; }

    /// <summary>It takes requests in some dialect that is known.</summary>
    public bool HasDialect => (Capabilities & (EngineCapabilities.NativeMessages | EngineCapabilities.NativeChat)) != 0;

    public bool Can(EngineCapabilities capability) => (Capabilities & capability) == capability;
}

/// <summary>A model that an engine serves.</summary>
/// <param name="Id">The name that requests carry.</param>
public sealed record ServedModel(string Id)
{
    public ImmutableArray<string> Aliases { get; init; } = [];

    public string? DisplayName { get; init; }

    public long? ContextTokens { get; init; }

    /// <summary>The model below, where this one is a LoRA adapter.</summary>
    public string? Parent { get; init; }
}
