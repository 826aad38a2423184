using Penstock.Core.Prefixes;
using Penstock.Core.Replicas;
using Penstock.Engines.Probing;
using Penstock.Wire.ModelLists;
using Penstock.Wire.Sglang;

namespace Penstock.Engines.Adapters;

/// <summary>SGLang's HTTP server. Its load comes from <c>/v1/loads</c>, cheaper than the metrics page.</summary>
internal sealed class SglangAdapter : EngineAdapter
{
    public override string Name => "sglang";

    /// <summary><c>/health</c> only: <c>/health_generate</c> would put a request into the batch.</summary>
    public override async Task<HealthSignal> CheckHealthAsync(
        EngineClient client, EngineEndpoint endpoint, CancellationToken cancel) =>
        HealthPage.Read(await client.GetAsync(this, endpoint, "/health", cancel));

    public override async Task<LoadReport?> ReadLoadAsync(
        EngineClient client, EngineEndpoint endpoint, EngineIdentity identity, CancellationToken cancel)
    {
        if (identity.Can(EngineCapabilities.LoadEndpoint))
        {
            var answer = await client.GetAsync(this, endpoint, "/v1/loads?include=core", cancel);
            return answer.Status == 404
                ? FromLoads(await client.GetAsync(this, endpoint, "/get_load", cancel), identity)
                : FromLoads(answer, identity);
        }

        return identity.Can(EngineCapabilities.Metrics)
            ? FromMetrics(await client.GetAsync(this, endpoint, "/metrics", cancel), identity)
            : null;
    }

    internal override async Task<EngineIdentity?> RecogniseAsync(EngineAnswers answers, CancellationToken cancel)
    {
        var info = SglangServerInfo.Parse((await answers.GetAsync(this, "/server_info", cancel)).OkBody)
            ?? SglangServerInfo.Parse((await answers.GetAsync(this, "/get_server_info", cancel)).OkBody);
        if (info is null)
        {
            return null;
        }

        var models = ModelList.Parse((await answers.GetAsync(this, "/v1/models", cancel)).OkBody);
        var loads = SglangLoads.Parse((await answers.GetAsync(this, "/v1/loads?include=core", cancel)).OkBody)
            ?? SglangLoads.Parse((await answers.GetAsync(this, "/get_load", cancel)).OkBody);
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
            Version = info.Version,
            Models = models?.ToServed() ?? (info.ServedModelName is { } name ? [new ServedModel(name)] : []),
            ContextTokens = info.ContextTokens ?? models?.Cards.FirstOrDefault()?.ContextTokens,
            Slots = info.RunningMax,
            BlockTokens = info.PageTokens,
            KvTokens = info.KvTokens * info.Ranks,
            Cache = ShapeOf(info),
            KvEvents = SourceOf(info.KvEvents, answers.Endpoint.Url.IdnHost),
            Simulated = models?.SaySimulated() ?? false,
            Capabilities = capabilities
                | (loads is null ? 0 : EngineCapabilities.LoadEndpoint)
                | (info.MetricsEnabled ? EngineCapabilities.Metrics : 0)
                | (info.CacheReportEnabled ? EngineCapabilities.CachedTokensInUsage : 0),
        };
    }

    private static CacheShape ShapeOf(SglangServerInfo info) => new()
    {
        Kind = info.RadixCacheOff ? CacheKind.Off : CacheKind.Radix,
        CapacityTokens = info.KvTokens * info.Ranks ?? 0,
        BlockTokens = ServedCache.Block(info.PageTokens),
        Ranks = ServedCache.Few(info.Ranks),
        HostTokens = info.HostTokens * info.Ranks ?? 0,
        HasHost = info.HasHostTier,
        HasDisk = info.HasStorageTier,
    };

    private static KvEventSource? SourceOf(SglangKvEvents? events, string host) => events is null ? null : new()
    {
        Channel = KvEventChannel.Zmq,
        Endpoints = KvEventSource.EndpointsOf(events.Host, events.Port, events.Ranks, host),
        Topic = events.Topic,
        BlockTokens = events.BlockTokens > 0 ? events.BlockTokens : null,
        TokenPairs = events.TokenPairs,
        LoadEndpoints = events.LoadPort is { } port
            ? KvEventSource.EndpointsOf(events.Host, port, events.Ranks, host)
            : [],
        LoadTopic = events.LoadTopic,
    };

    private static LoadReport? FromLoads(EngineAnswer answer, EngineIdentity identity) =>
        SglangLoads.Parse(answer.OkBody) is { } told
            ? new LoadReport
            {
                Running = told.Running,
                Waiting = told.Waiting,
                WaitingUncachedTokens = told.WaitingUncachedTokens,
                KvUsage = told.KvUsage ?? Share(told.UsedTokens, identity.KvTokens),
                KvTokens = told.KvTokens ?? identity.KvTokens,
                BlockTokens = identity.BlockTokens,
            }
            : null;

    private static LoadReport? FromMetrics(EngineAnswer answer, EngineIdentity identity) =>
        SglangMetrics.Parse(answer.OkBody.Span) is { } told
            ? new LoadReport
            {
                Running = told.Running,
                Waiting = told.Waiting,
                KvUsage = told.KvUsage ?? Share(told.UsedTokens, told.KvTokens ?? identity.KvTokens),
                KvTokens = told.KvTokens ?? identity.KvTokens,
                BlockTokens = identity.BlockTokens,
                PromptTokensTotal = told.PromptTokens,
                CachedTokensTotal = told.CachedTokens,
                GenerationTokensTotal = told.GenerationTokens,
            }
            : null;

    private static double? Share(long? used, long? capacity) =>
        used is { } u && capacity is > 0 and { } c ? Math.Clamp(u / (double)c, 0, 1) : null;
}
