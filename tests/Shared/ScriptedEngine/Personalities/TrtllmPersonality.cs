using System.Globalization;

namespace Penstock.Tests.Shared.Personalities;

/// <summary>Answers like TensorRT-LLM's trtllm-serve, which gives each iteration and each event only once.</summary>
internal static class TrtllmPersonality
{
    private const string ServerInfo = """
        {"disaggregated_params":{"server_role":null},"kv_cache_hash_algo":"v1_block_key","tokens_per_block":32,
        "max_batch_size":64}
        """;

    private static readonly Script Refusal = Script.Reply(
        400,
        """
        {"object":"error","message":"[{'type': 'missing', 'loc': ('body',), 'msg': 'Field required'}]",
        "type":"BadRequestError","param":null,"code":400}
        """);

    public static void Install(ScriptedEngine engine, EngineFacts facts)
    {
        engine.Otherwise = _ => Script.Reply(404, """{"detail":"Not Found"}""");
        engine
            .On("GET /health", _ => facts.Healthy
                ? Script.Reply(200, "")
                : Script.Reply(503, "LLM is unavailable. Please check the server logs for more details.", "text/plain"))
            .On("GET /version", _ => Script.Reply(200, $$"""{"version":"{{facts.Version}}"}"""))
            .On("GET /server_info", r => Guarded(r, facts, Script.Reply(200, ServerInfo)))
            .On("GET /v1/models", r => Guarded(
                r, facts, Script.Reply(200, CannedAnswers.OpenAiModels(facts, "tensorrt_llm"))))
            .On("GET /prometheus/metrics", r => Guarded(
                r, facts, Script.Reply(200, Metrics(facts), "text/plain; version=0.0.4")))
            .On("GET /metrics", r => Guarded(r, facts, Script.Reply(200, Iterations(facts))))
            .On("POST /kv_cache_events", r => Guarded(r, facts, Script.Reply(200, facts.TakeEvents(r))))
            .On("POST /v1/chat/completions", r => Guarded(r, facts, CannedAnswers.Chat(r, facts, Refusal)));
    }

    public static string Metrics(EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        # HELP trtllm_num_requests_running Number of active requests
        # TYPE trtllm_num_requests_running gauge
        trtllm_num_requests_running{engine_type="trtllm",model_name="{{facts.Model}}"} {{facts.Running:0.0}}
        trtllm_num_requests_waiting{engine_type="trtllm",model_name="{{facts.Model}}"} {{facts.Waiting:0.0}}
        trtllm_kv_cache_utilization{engine_type="trtllm",model_name="{{facts.Model}}"} {{facts.KvUsage}}
        trtllm_kv_cache_max_blocks{engine_type="trtllm",model_name="{{facts.Model}}"} 500.0
        trtllm_kv_cache_tokens_per_block{engine_type="trtllm",model_name="{{facts.Model}}"} 32.0

        """);

    public static string Iterations(EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        [{"iter":1,"numActiveRequests":99,"kvCacheStats":{"maxNumBlocks":500,"usedNumBlocks":500} },
        {"iter":2,"iterLatencyMS":7.0,"numActiveRequests":{{facts.Running}},"numQueuedRequests":{{facts.Waiting}},
        "kvCacheStats":{"maxNumBlocks":500,"tokensPerBlock":32,"usedNumBlocks":{{facts.KvUsage * 500:0}} },
        "kvCacheIterationStats":{"32768":{"secondaryMaxNumBlocks":1000} } }]
        """);

    private static Script Guarded(ReceivedRequest request, EngineFacts facts, Script answer) =>
        facts.Key is null || request.Header("authorization") == $"Bearer {facts.Key}"
            ? answer
            : Script.Reply(401, """{"error":"Unauthorized"}""");
}
