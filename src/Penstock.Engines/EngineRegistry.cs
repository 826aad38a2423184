using System.Collections.Frozen;
using System.Collections.Immutable;
using Penstock.Engines.Adapters;

namespace Penstock.Engines;

/// <summary>Every kind of engine, in the order in which a probe believes them: the most particular first.</summary>
public static class EngineRegistry
{
    public static ImmutableArray<EngineAdapter> All { get; } =
    [
        new LlamaCppAdapter(), new SglangAdapter(), new TrtllmAdapter(), new VllmAdapter(), new AnthropicAdapter(),
        new OpenAiAdapter(),
    ];

    private static FrozenDictionary<string, EngineAdapter> ByName { get; } =
        All.ToFrozenDictionary(a => a.Name, StringComparer.Ordinal);

    /// <summary>The adapter of that name; null: there is none.</summary>
    public static EngineAdapter? Find(string name) => ByName.GetValueOrDefault(name);
}
