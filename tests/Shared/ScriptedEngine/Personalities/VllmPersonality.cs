using System.Globalization;

namespace Penstock.Tests.Shared.Personalities;

/// <summary>Answers like vLLM's server, with the FastAPI manners of its errors.</summary>
internal static class VllmPersonality
{
    private static readonly Script Refusal = Script.Reply(
        400,
        """
        {"error":{"message":"[{'type': 'missing', 'loc': ('body',), 'msg': 'Field required'}]",
        "type":"Bad Request","param":null,"code":400}}
        """);

    public static void Install(ScriptedEngine engine, EngineFacts facts)
    {
        engine.Otherwise = _ => Script.Reply(404, """{"detail":"Not Found"}""");
        engine
            .On("GET /health", _ => facts.Healthy ? Script.Reply(200, "") : Script.Reply(503, ""))
            .On("GET /version", _ => Script.Reply(200, $$"""{"version":"{{facts.Version}}"}"""))
            .On("GET /v1/models", r => Guarded(r, facts, Script.Reply(200, Models(facts))))
            .On("GET /metrics", _ => Script.Reply(200, Metrics(facts), "text/plain; version=0.0.4; charset=utf-8"))
            .On("POST /v1/messages", r => Guarded(r, facts, CannedAnswers.Messages(r, facts, Refusal)))
            .On("POST /v1/messages/count_tokens", r => Guarded(r, facts, CannedAnswers.CountTokens(r, Refusal)))
            .On("POST /v1/chat/completions", r => Guarded(r, facts, CannedAnswers.Chat(r, facts, Refusal)))
            .On("POST /tokenize", r => r.Body.Length == 0
                ? Refusal
                : Script.Reply(200, """{"count":3,"max_model_len":32768,"tokens":[1,2,3]}"""));
    }

    public static string Metrics(EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        # HELP vllm:num_requests_running Number of requests in model execution batches.
        # TYPE vllm:num_requests_running gauge
        vllm:num_requests_running{engine="0",model_name="{{facts.Model}}"} {{facts.Running:0.0}}
        vllm:num_requests_waiting{engine="0",model_name="{{facts.Model}}"} {{facts.Waiting:0.0}}
        vllm:kv_cache_usage_perc{engine="0",model_name="{{facts.Model}}"} {{facts.KvUsage}}
        vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="1000"} 1.0
        vllm:prompt_tokens_total{engine="0",model_name="{{facts.Model}}"} 1200.0
        vllm:generation_tokens_total{engine="0",model_name="{{facts.Model}}"} 3400.0
        vllm:prefix_cache_queries_total{engine="0",model_name="{{facts.Model}}"} 1200.0
        vllm:prefix_cache_hits_total{engine="0",model_name="{{facts.Model}}"} 600.0

        """);

    private static string Models(EngineFacts facts) => CannedAnswers.OpenAiModels(
        facts,
        "vllm",
        string.Create(CultureInfo.InvariantCulture, $",\"parent\":null,\"max_model_len\":{facts.ContextTokens}"));

    private static Script Guarded(ReceivedRequest request, EngineFacts facts, Script answer) =>
        facts.Key is null || request.Header("authorization") == $"Bearer {facts.Key}"
            ? answer
            : Script.Reply(401, """{"error":"Unauthorized"}""");
}
