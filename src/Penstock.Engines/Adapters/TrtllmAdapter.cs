using Penstock.Core.Prefixes;
using Penstock.Core.Replicas;
using Penstock.Engines.Probing;
using Penstock.Wire.ModelLists;
using Penstock.Wire.TensorRt;
using Penstock.Wire.Vllm;

namespace Penstock.Engines.Adapters;

/// <summary>
/// TensorRT-LLM's <c>trtllm-serve</c>. Its <c>/metrics</c> is a JSON list that is empty for the next one who asks, so
/// load comes from the Prometheus page where there is one (<c>return_perf_metrics</c>).
/// </summary>
internal sealed class TrtllmAdapter : EngineAdapter
{
    private const string Prometheus = "/prometheus/metrics";

    public override string Name => "trtllm";

    /// <summary>Builds before 1.2 wait two seconds for more iterations before they answer.</summary>
    public override TimeSpan LoadTimeout => TimeSpan.FromSeconds(2.5);

    /// <summary><c>/health</c> only: <c>/health_generate</c> would put a request into the batch.</summary>
    public override async Task<HealthSignal> CheckHealthAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel) =>
        HealthPage.Read(await client.GetAsync(this, endpoint, "/health", cancel));

    public override async Task<LoadReport?> ReadLoadAsync(
        EngineClient client, EngineEndpoint endpoint, EngineIdentity identity, CancellationToken cancel)
    {
        if (identity.Can(EngineCapabilities.Metrics))
        {
            var page = await client.GetAsync(this, endpoint, Prometheus, cancel);
            return FromMetrics(TrtllmMetrics.Parse(page.OkBody.Span), identity);
        }

        return identity.Can(EngineCapabilities.LoadEndpoint)
            ? FromStats(TrtllmIterationStats.Parse(
                (await client.GetAsync(this, endpoint, "/metrics", cancel)).OkBody), identity)
            : null;
    }

    internal override async Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel)
    {
        var models = ModelList.Parse((await answers.GetAsync(this, "/v1/models", cancel)).OkBody);
        if (models is null)
        {
            return null;
        }

        var metrics = TrtllmMetrics.Parse((await answers.GetAsync(this, Prometheus, cancel)).OkBody.Span);
        var info = TrtllmServerInfo.Parse((await answers.GetAsync(this, "/server_info", cancel)).OkBody);
        if (metrics is null && info is null && !models.Cards.Any(c => c.OwnedBy == "tensorrt_llm"))
        {
            return null;
        }

        var list = (await answers.GetAsync(this, "/metrics", cancel)).OkBody;
        var stats = TrtllmIterationStats.Parse(list);
        var version = answers.GetAsync(this, "/version", cancel);
        var capabilities = await answers.FindAsync(
            this,
            cancel,
            (EngineCapabilities.NativeMessages, "/v1/messages"),
            (EngineCapabilities.CountTokens, "/v1/messages/count_tokens"),
            (EngineCapabilities.NativeChat, "/v1/chat/completions"));
        var blockTokens = info?.BlockTokens ?? metrics?.BlockTokens ?? stats?.BlockTokens;
        var blocks = metrics?.Blocks ?? stats?.Blocks;
        return new EngineIdentity
        {
            Adapter = this,
            Version = VllmVersion.Parse((await version).OkBody),
            Models = models.ToServed(),
            ContextTokens = models.Cards.FirstOrDefault()?.ContextTokens,
            BlockTokens = blockTokens,
            KvTokens = blocks * blockTokens,
            Cache = ShapeOf(blocks, blockTokens, stats?.HostBlocks, metrics?.HasHostTier ?? false),
            KvEvents = new KvEventSource
            {
                Channel = KvEventChannel.HttpDrain,
                BlockTokens = blockTokens,
                HashAlgorithm = info?.HashAlgorithm,
            },
            Simulated = models.SaySimulated(),
            Capabilities = capabilities
                | (metrics is null ? 0 : EngineCapabilities.Metrics)
                | (TrtllmIterationStats.IsList(list) ? EngineCapabilities.LoadEndpoint : 0),
        };
    }

    private static CacheShape ShapeOf(long? blocks, long? blockTokens, long? hostBlocks, bool hasHost) => new()
    {
        Kind = CacheKind.Paged,
        CapacityTokens = blocks * blockTokens ?? 0,
        BlockTokens = ServedCache.Block(blockTokens),
        Ranks = 1,
        HostTokens = hostBlocks * blockTokens ?? 0,
        HasHost = hasHost || hostBlocks > 0,
    };

    private static LoadReport? FromMetrics(TrtllmMetrics? page, EngineIdentity identity) =>
        page is not { } told ? null : new LoadReport
        {
            Running = told.Running,
            Waiting = told.Waiting,
            KvUsage = told.KvUsage,
            KvTokens = told.Blocks * (told.BlockTokens ?? identity.BlockTokens) ?? identity.KvTokens,
            BlockTokens = told.BlockTokens ?? identity.BlockTokens,
            PromptTokensTotal = told.PromptTokens,
            CachedTokensTotal = told.CachedTokens,
            GenerationTokensTotal = told.GenerationTokens,
        };

    private static LoadReport? FromStats(TrtllmIterationStats? newest, EngineIdentity identity) =>
        newest is not { } told ? null : new LoadReport
        {
            Running = told.Running,
            Waiting = told.Waiting,
            KvUsage = told.KvUsage,
            KvTokens = told.Blocks * (told.BlockTokens ?? identity.BlockTokens) ?? identity.KvTokens,
            BlockTokens = told.BlockTokens ?? identity.BlockTokens,
        };
}
