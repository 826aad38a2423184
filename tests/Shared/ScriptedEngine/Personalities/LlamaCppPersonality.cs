using System.Globalization;

namespace Penstock.Tests.Shared.Personalities;

/// <summary>Answers like llama-server, its habit of blaming itself for bad requests included.</summary>
internal static class LlamaCppPersonality
{
    private static readonly Script Refusal = Script.Reply(
        400,
        """
        {"error":{"code":400,"message":"[json.exception.parse_error.101] parse error at line 1, column 1: attempting
         to parse an empty input","type":"invalid_request_error"}}
        """.ReplaceLineEndings(""));

    public static void Install(ScriptedEngine engine, EngineFacts facts)
    {
        engine.Otherwise = _ => Script.Reply(
            404, """{"error":{"message":"File Not Found","type":"not_found_error","code":404}}""");
        engine
            .On("GET /health", _ => facts.Healthy
                ? Script.Reply(200, """{"status":"ok"}""")
                : Script.Reply(503, """{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"""))
            .On("GET /props", r => Guarded(r, facts, Script.Reply(200, Props(facts))))
            .On("GET /v1/models", r => Guarded(r, facts, Script.Reply(200, Models(facts))))
            .On("GET /metrics", r => Guarded(r, facts, Script.Reply(200, Metrics(facts), "text/plain; version=0.0.4")))
            .On("GET /slots", r => Guarded(r, facts, Script.Reply(200, Slots(facts))))
            .On("POST /v1/messages", r => Guarded(r, facts, CannedAnswers.Messages(r, facts, Refusal)))
            .On("POST /v1/messages/count_tokens", r => Guarded(r, facts, CannedAnswers.CountTokens(r, Refusal)))
            .On("POST /v1/chat/completions", r => Guarded(r, facts, CannedAnswers.Chat(r, facts, Refusal)))
            .On("POST /tokenize", r => r.Body.Length == 0 ? Refusal : Script.Reply(200, """{"tokens":[1,2,3]}"""));
    }

    public static string Metrics(EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        # HELP llamacpp:prompt_tokens_total Number of prompt tokens processed, excluding cached tokens
        # TYPE llamacpp:prompt_tokens_total counter
        llamacpp:prompt_tokens_total 600
        llamacpp:prompt_tokens_cached_total 600
        llamacpp:tokens_predicted_total 3400
        llamacpp:requests_processing {facts.Running}
        llamacpp:requests_deferred {facts.Waiting}

        """);

    private static string Slots(EngineFacts facts) =>
        $"[{string.Join(',', Enumerable.Range(0, 4).Select(i => Slot(i, facts)))}]";

    private static string Slot(int id, EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        {"id":{{id}},"n_ctx":{{facts.ContextTokens}},"is_processing":{{(id < facts.Running ? "true" : "false")}},
        "n_prompt_tokens":100,"next_token":[{"n_decoded":28}]}
        """);

    private static string Props(EngineFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        {"default_generation_settings":{"params":{},"n_ctx":{{facts.ContextTokens}} },"total_slots":4,
        "model_alias":"{{facts.Model}}","modalities":{"vision":false},"endpoint_slots":true,"endpoint_metrics":true,
        "build_info":"{{facts.Version}}"}
        """);

    private static string Models(EngineFacts facts) => CannedAnswers.OpenAiModels(
        facts,
        "llamacpp",
        string.Create(CultureInfo.InvariantCulture, $$"""
            ,"aliases":["{{facts.Model}}"],"meta":{"n_ctx":{{facts.ContextTokens}} }
            """));

    private static Script Guarded(ReceivedRequest request, EngineFacts facts, Script answer) =>
        facts.Key is null || request.Header("authorization") == $"Bearer {facts.Key}"
            || request.Header("x-api-key") == facts.Key
            ? answer
            : Script.Reply(401, """{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}""");
}
