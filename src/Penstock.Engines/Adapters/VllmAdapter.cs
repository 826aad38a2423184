using Penstock.Core.Prefixes;
using Penstock.Core.Replicas;
using Penstock.Engines.Probing;
using Penstock.Wire.ModelLists;
using Penstock.Wire.Vllm;

namespace Penstock.Engines.Adapters;

/// <summary>vLLM's OpenAI-compatible server, and the simulated engine, which speaks like it.</summary>
internal sealed class VllmAdapter : EngineAdapter
{
    public override string Name => "vllm";

    public override async Task<HealthSignal> CheckHealthAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel) =>
        HealthPage.Read(await client.GetAsync(this, endpoint, "/health", cancel));

    public override async Task<LoadReport?> ReadLoadAsync(
        EngineClient client, EngineEndpoint endpoint, EngineIdentity identity, CancellationToken cancel)
    {
        if (!identity.Can(EngineCapabilities.Metrics))
        {
            return null;
        }

        var page = await client.GetAsync(this, endpoint, "/metrics", cancel);
        return VllmMetrics.Parse(page.OkBody.Span) is { } told
            ? new LoadReport
            {
                Running = told.Running,
                Waiting = told.Waiting,
                KvUsage = told.KvUsage,
                KvTokens = told.KvTokens,
                BlockTokens = told.BlockTokens,
                PromptTokensTotal = told.PromptTokens,
                CachedTokensTotal = told.PrefixHits,
                GenerationTokensTotal = told.GenerationTokens,
            }
            : null;
    }

    internal override async Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel)
    {
        var models = ModelList.Parse((await answers.GetAsync(this, "/v1/models", cancel)).OkBody);
        if (models is null)
        {
            return null;
        }

        var version = answers.GetAsync(this, "/version", cancel);
        var metrics = VllmMetrics.Parse((await answers.GetAsync(this, "/metrics", cancel)).OkBody.Span);
        if (metrics is null && !models.Cards.Any(c => c.OwnedBy == "vllm"))
        {
            return null;
        }

        var simulated = models.SaySimulated();
        var capabilities = await answers.FindAsync(
            this,
            cancel,
            (EngineCapabilities.NativeMessages, "/v1/messages"),
            (EngineCapabilities.CountTokens, "/v1/messages/count_tokens"),
            (EngineCapabilities.NativeChat, "/v1/chat/completions"),
            (EngineCapabilities.Tokenize, "/tokenize"));
        return new EngineIdentity
        {
            Adapter = this,
            Version = VllmVersion.Parse((await version).OkBody),
            Models = models.ToServed(),
            ContextTokens = models.Cards.FirstOrDefault()?.ContextTokens,
            BlockTokens = metrics?.BlockTokens,
            KvTokens = metrics?.KvTokens,
            Cache = ShapeOf(metrics),
            Simulated = simulated,
            Capabilities = capabilities | EngineCapabilities.Priority
                | (metrics is null ? 0 : EngineCapabilities.Metrics)
                | (simulated ? EngineCapabilities.CachedTokensInUsage : 0),
        };
    }

    private static CacheShape ShapeOf(VllmMetrics? metrics) => metrics is not { Ranks: > 0 } told ? default : new()
    {
        Kind = told.PrefixCachingOff ? CacheKind.Off : CacheKind.Paged,
        CapacityTokens = told.KvTokens ?? 0,
        BlockTokens = ServedCache.Block(told.BlockTokens),
        Ranks = told.Ranks,
        HasHost = told.HasHostTier,
    };
}
