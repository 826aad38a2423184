using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Metrics;
using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Kinds;

/// <summary>
/// TensorRT-LLM: blocks of 32 tokens, a JSON list of iterations and one of cache events, each told once to whoever asks
/// first.
/// </summary>
internal sealed class TrtllmKind : EngineKind
{
    public static TrtllmKind Instance { get; } = new();

    public override int? BlockTokens => 32;

    public override CacheKind Cache => CacheKind.Paged;

    protected override IReadOnlyDictionary<string, EnginePage> Pages { get; } = new Dictionary<string, EnginePage>
    {
        ["GET /health"] = static (_, _) => Task.CompletedTask,
        ["GET /health_generate"] = static (_, _) => Task.CompletedTask,
        ["GET /version"] = static (_, http) => StatusApi.VersionAsync(http),
        ["GET /server_info"] = ServerInfoAsync,
        ["GET /metrics"] = IterationsAsync,
        ["GET /prometheus/metrics"] = static (engine, http) => StatusApi.TextAsync(http, Metrics(engine)),
        ["POST /kv_cache_events"] = EventsAsync,
    };

    private static Task ServerInfoAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("kv_cache_hash_algo"u8, "v1_block_key"u8);
        json.WriteNumber("tokens_per_block"u8, engine.Profile.BlockSize);
        json.WriteNumber("max_batch_size"u8, engine.Profile.SequencesMax);
        json.WriteEndObject();
    });

    /// <summary>The newest iteration, where there was one since the last call.</summary>
    private static Task IterationsAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        var now = engine.Counters;
        json.WriteStartArray();
        if (engine.IsNewIteration(now.Steps))
        {
            json.WriteStartObject();
            json.WriteNumber("iter"u8, now.Steps);
            json.WriteNumber("numActiveRequests"u8, now.Running);
            json.WriteNumber("numQueuedRequests"u8, now.Waiting);
            json.WriteStartObject("kvCacheStats"u8);
            json.WriteNumber("maxNumBlocks"u8, now.KvBlocks);
            json.WriteNumber("usedNumBlocks"u8, now.KvBlocksUsed);
            json.WriteNumber("freeNumBlocks"u8, now.KvBlocks - now.KvBlocksUsed);
            json.WriteNumber("tokensPerBlock"u8, engine.Profile.BlockSize);
            json.WriteNumber("cacheHitRate"u8, now.PrefixHits / Math.Max(1.0, now.PrefixQueries));
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static Task EventsAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        json.WriteStartArray();
        engine.Drain?.DrainTo(json);
        json.WriteEndArray();
    });

    private static string Metrics(SimulatedEngine engine)
    {
        var now = engine.Counters;
        var text = new PrometheusText(engine.Options.Models[0]);
        text.Gauge("trtllm_num_requests_running", "Requests in the batch.", now.Running);
        text.Gauge("trtllm_num_requests_waiting", "Requests waiting.", now.Waiting);
        text.Gauge("trtllm_kv_cache_utilization", "KV cache usage; 1 means all of it.", now.KvUsage);
        text.Gauge("trtllm_kv_cache_max_blocks", "Blocks that there are.", now.KvBlocks);
        text.Gauge("trtllm_kv_cache_tokens_per_block", "Tokens of a block.", engine.Profile.BlockSize);
        text.Counter("trtllm_prompt_tokens", "Prompt tokens processed.", now.PromptTokens);
        text.Counter("trtllm_prompt_cached_tokens", "Prompt tokens found in the cache.", now.PrefixHits);
        text.Counter("trtllm_generation_tokens", "Tokens generated.", now.GenerationTokens);
        return text.ToString();
    }
}
