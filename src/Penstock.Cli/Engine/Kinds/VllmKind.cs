using Microsoft.AspNetCore.Http;
using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Kinds;

/// <summary>vLLM.</summary>
internal sealed class VllmKind : EngineKind
{
    public static VllmKind Instance { get; } = new();

    public override CacheKind Cache => CacheKind.Paged;

    protected override IReadOnlyDictionary<string, EnginePage> Pages { get; } = new Dictionary<string, EnginePage>
    {
        ["GET /health"] = static (_, _) => Task.CompletedTask,
        ["GET /ping"] = static (_, _) => Task.CompletedTask,
        ["POST /ping"] = static (_, _) => Task.CompletedTask,
        ["GET /version"] = static (_, http) => StatusApi.VersionAsync(http),
        ["GET /load"] = StatusApi.LoadAsync,
        ["GET /metrics"] = static (engine, http) => StatusApi.TextAsync(http, engine.WriteMetrics()),
        ["POST /tokenize"] = TokenApi.TokenizeAsync,
        ["POST /detokenize"] = static (_, http) => TokenApi.DetokenizeAsync(http),
        ["POST /v1/chat/completions/render"] = static (engine, http) => TokenApi.RenderAsync(engine, http, chat: true),
        ["POST /v1/completions/render"] = static (engine, http) => TokenApi.RenderAsync(engine, http, chat: false),
        ["POST /reset_prefix_cache"] = StatusApi.ClearCacheAsync,
    };
}
