using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Cli.Engine.Metrics;
using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Kinds;

/// <summary>llama.cpp's server: slots, each with one sequence, counted in tokens.</summary>
internal sealed class LlamaCppKind : EngineKind
{
    public static LlamaCppKind Instance { get; } = new();

    public override int? BlockTokens => 1;

    public override CacheKind Cache => CacheKind.Slots;

    public override bool TellsTimings => true;

    protected override IReadOnlyDictionary<string, EnginePage> Pages { get; } = new Dictionary<string, EnginePage>
    {
        ["GET /health"] = static (_, http) => HealthAsync(http),
        ["GET /v1/health"] = static (_, http) => HealthAsync(http),
        ["GET /props"] = PropsAsync,
        ["GET /slots"] = SlotsAsync,
        ["GET /metrics"] = static (engine, http) => StatusApi.TextAsync(http, Metrics(engine)),
        ["POST /tokenize"] = static (_, http) => TokenApi.TokenizeContentAsync(http),
        ["POST /detokenize"] = static (_, http) => TokenApi.DetokenizeAsync(http, "content"),
    };

    private static Task HealthAsync(HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("status"u8, "ok"u8);
        json.WriteEndObject();
    });

    private static Task PropsAsync(SimulatedEngine engine, HttpContext http) => EngineApi.WriteAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("default_generation_settings"u8);
        json.WriteNumber("n_ctx"u8, engine.Profile.ModelLengthMax);
        json.WriteEndObject();
        json.WriteNumber("total_slots"u8, engine.Profile.SequencesMax);
        json.WriteString("model_alias"u8, engine.Options.Models[0]);
        json.WriteStartObject("modalities"u8);
        json.WriteBoolean("vision"u8, false);
        json.WriteEndObject();
        json.WriteBoolean("endpoint_slots"u8, true);
        json.WriteBoolean("endpoint_metrics"u8, true);
        json.WriteString("build_info"u8, "penstock-simulated"u8);
        json.WriteEndObject();
    });

    /// <summary>The busy slots come first, and share what they hold evenly: which is which is not told.</summary>
    private static Task SlotsAsync(SimulatedEngine engine, HttpContext http)
    {
        var now = engine.Counters;
        var slots = engine.Profile.SequencesMax;
        var refuse = http.Request.Query.ContainsKey("fail_on_no_slot") && now.Running >= slots;
        return EngineApi.WriteAsync(
            http,
            json =>
            {
                json.WriteStartArray();
                for (var id = 0; id < slots; id++)
                {
                    var busy = id < now.Running;
                    json.WriteStartObject();
                    json.WriteNumber("id"u8, id);
                    json.WriteNumber("n_ctx"u8, engine.Profile.ModelLengthMax);
                    json.WriteBoolean("is_processing"u8, busy);
                    json.WriteNumber(
                        "n_prompt_tokens"u8,
                        busy ? (long)now.KvBlocksUsed * engine.Profile.BlockSize / now.Running : 0);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            },
            refuse ? 503 : 200);
    }

    /// <summary>Without the labels that the other kinds have.</summary>
    private static string Metrics(SimulatedEngine engine)
    {
        var now = engine.Counters;
        var text = new PrometheusText(null);
        text.Counter("llamacpp:prompt_tokens", "Prompt tokens computed.", now.PrefixQueries - now.PrefixHits);
        text.Counter("llamacpp:prompt_tokens_cached", "Prompt tokens found in slots.", now.PrefixHits);
        text.Counter("llamacpp:tokens_predicted", "Tokens generated.", now.GenerationTokens);
        text.Counter("llamacpp:n_decode", "Steps.", now.Steps);
        text.Gauge("llamacpp:requests_processing", "Busy slots.", now.Running);
        text.Gauge("llamacpp:requests_deferred", "Requests waiting for a slot.", now.Waiting);
        return text.ToString();
    }
}
