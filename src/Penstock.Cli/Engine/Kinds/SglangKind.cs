using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Metrics;
using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Kinds;

/// <summary>SGLang: pages of one token, and a server information that says where its events are published.</summary>
internal sealed class SglangKind : EngineKind
{
    public static SglangKind Instance { get; } = new();

    public override int? BlockTokens => 1;

    public override CacheKind Cache => CacheKind.Radix;

    protected override IReadOnlyDictionary<string, EnginePage> Pages { get; } = new Dictionary<string, EnginePage>
    {
        ["GET /health"] = static (_, _) => Task.CompletedTask,
        ["GET /health_generate"] = static (_, _) => Task.CompletedTask,
        ["GET /ping"] = static (_, _) => Task.CompletedTask,
        ["GET /server_info"] = ServerInfoAsync,
        ["GET /get_server_info"] = ServerInfoAsync,
        ["GET /model_info"] = ModelInfoAsync,
        ["GET /get_model_info"] = ModelInfoAsync,
        ["GET /v1/loads"] = LoadsAsync,
        ["GET /metrics"] = static (engine, http) => StatusApi.TextAsync(http, Metrics(engine)),
        ["POST /tokenize"] = TokenApi.TokenizeAsync,
        ["POST /v1/tokenize"] = TokenApi.TokenizeAsync,
        ["POST /detokenize"] = static (_, http) => TokenApi.DetokenizeAsync(http),
        ["POST /v1/detokenize"] = static (_, http) => TokenApi.DetokenizeAsync(http),
        ["POST /flush_cache"] = StatusApi.ClearCacheAsync,
        ["GET /flush_cache"] = StatusApi.ClearCacheAsync,
    };

    private static Task ServerInfoAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        var profile = engine.Profile;
        json.WriteStartObject();
        json.WriteString("version"u8, StatusApi.Version);
        json.WriteString("served_model_name"u8, engine.Options.Models[0]);
        json.WriteString("model_path"u8, engine.Options.Models[0]);
        json.WriteNumber("tp_size"u8, 1);
        json.WriteNumber("dp_size"u8, 1);
        json.WriteNumber("page_size"u8, profile.BlockSize);
        json.WriteNumber("max_total_num_tokens"u8, profile.KvTokens);
        json.WriteNumber("context_length"u8, profile.ModelLengthMax);
        json.WriteNumber("max_running_requests"u8, profile.SequencesMax);
        json.WriteString("schedule_policy"u8, "fcfs"u8);
        json.WriteString("disaggregation_mode"u8, "null"u8);
        json.WriteBoolean("enable_metrics"u8, true);
        json.WriteBoolean("enable_cache_report"u8, true);
        json.WriteBoolean("disable_radix_cache"u8, false);
        engine.Publishing?.DescribeTo(json, profile.BlockSize);
        json.WriteEndObject();
    });

    private static Task ModelInfoAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("model_path"u8, engine.Options.Models[0]);
        json.WriteBoolean("is_generation"u8, true);
        json.WriteEndObject();
    });

    private static Task LoadsAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        var now = engine.Counters;
        var profile = engine.Profile;
        json.WriteStartObject();
        json.WriteString("timestamp"u8, engine.Time.GetUtcNow());
        json.WriteString("version"u8, StatusApi.Version);
        json.WriteStartArray("loads"u8);
        json.WriteStartObject();
        json.WriteNumber("dp_rank"u8, engine.Options.Events?.Rank ?? 0);
        json.WriteNumber("num_running_reqs"u8, now.Running);
        json.WriteNumber("num_waiting_reqs"u8, now.Waiting);
        json.WriteNumber("num_used_tokens"u8, (long)now.KvBlocksUsed * profile.BlockSize);
        json.WriteNumber("max_total_num_tokens"u8, profile.KvTokens);
        json.WriteNumber("token_usage"u8, now.KvUsage);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static string Metrics(SimulatedEngine engine)
    {
        var now = engine.Counters;
        var profile = engine.Profile;
        var text = new PrometheusText(engine.Options.Models[0]);
        text.Gauge("sglang:num_running_reqs", "Requests in the batch.", now.Running);
        text.Gauge("sglang:num_queue_reqs", "Requests waiting.", now.Waiting);
        text.Gauge("sglang:token_usage", "KV cache usage; 1 means all of it.", now.KvUsage);
        text.Gauge("sglang:num_used_tokens", "Tokens in use.", (long)now.KvBlocksUsed * profile.BlockSize);
        text.Gauge("sglang:max_total_num_tokens", "Tokens that fit.", profile.KvTokens);
        text.Counter("sglang:prompt_tokens", "Prompt tokens processed.", now.PromptTokens);
        text.Counter("sglang:cached_tokens", "Prompt tokens found in the cache.", now.PrefixHits);
        text.Counter("sglang:generation_tokens", "Tokens generated.", now.GenerationTokens);
        return text.ToString();
    }
}
