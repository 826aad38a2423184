using System.Globalization;

namespace Penstock.Tests.Shared.Personalities;

/// <summary>Answers like SGLang's server.</summary>
internal static class SglangPersonality
{
    private static readonly Script Refusal = Script.Reply(
        400,
        """
        {"object":"error","message":"1 validation errors: Field required","type":"BadRequest","param":null,"code":400}
        """);

    public static void Install(ScriptedEngine engine, EngineFacts facts)
    {
        engine.Otherwise = _ => Script.Reply(404, """{"detail":"Not Found"}""");
        engine
            .On("GET /health", _ => facts.Healthy ? Script.Reply(200, "") : Script.Reply(503, ""))
            .On("GET /server_info", r => Guarded(r, facts, Script.Reply(200, ServerInfo(facts))))
            .On("GET /v1/models", r => Guarded(
                r, facts, Script.Reply(200, CannedAnswers.OpenAiModels(facts, "sglang"))))
            .On("GET /v1/loads", r => Guarded(r, facts, Script.Reply(200, Loads(facts))))
            .On("POST /v1/messages", r => Guarded(r, facts, CannedAnswers.Messages(r, facts, Refusal)))
            .On("POST /v1/messages/count_tokens", r => Guarded(r, facts, CannedAnswers.CountTokens(r, Refusal)))
            .On("POST /v1/chat/completions", r => Guarded(r, facts, CannedAnswers.Chat(r, facts, Refusal)))
            .On("POST /tokenize", r => r.Body.Length == 0
                ? Refusal
                : Script.Reply(200, """{"tokens":[1,2,3],"count":3}"""));
    }

    public static string Loads(EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        {"timestamp":"2026-11-20T12:00:00+00:00","version":"{{facts.Version}}","loads":[{"dp_rank":0,
        "num_running_reqs":{{facts.Running}},"num_waiting_reqs":{{facts.Waiting}},
        "num_waiting_uncached_tokens":{{facts.Waiting * 100}},"num_used_tokens":{{facts.KvUsage * 16000:0}},
        "max_total_num_tokens":16000,"token_usage":{{facts.KvUsage}} }]}
        """);

    private static string ServerInfo(EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        {"model_path":"/models/x","served_model_name":"{{facts.Model}}","tp_size":1,"dp_size":1,"page_size":16,
        "schedule_policy":"lpm","mem_fraction_static":0.88,"disaggregation_mode":"null",
        "context_length":{{facts.ContextTokens}},"enable_metrics":false,"enable_cache_report":true,
        "max_total_num_tokens":16000,"max_running_requests":48,
        "internal_states":[{"memory_usage":{"token_capacity":16000} }],"version":"{{facts.Version}}"}
        """);

    private static Script Guarded(ReceivedRequest request, EngineFacts facts, Script answer) =>
        facts.Key is null || request.Header("authorization") == $"Bearer {facts.Key}"
            ? answer
            : Script.Reply(401, """{"error":"Unauthorized"}""");
}
