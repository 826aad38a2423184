namespace Penstock.Tests.Shared.Personalities;

/// <summary>Answers like a hosted OpenAI-compatible service: chat completions and the list of models.</summary>
internal static class OpenAiPersonality
{
    private static readonly Script Refusal = Script.Reply(
        400,
        """
        {"error":{"message":"We could not parse the JSON body of your request.","type":"invalid_request_error",
        "param":null,"code":null}}
        """);

    public static void Install(ScriptedEngine engine, EngineFacts facts)
    {
        engine.Otherwise = _ => Script.Reply(
            404, """{"error":{"message":"Invalid URL","type":"invalid_request_error","param":null,"code":null}}""");
        engine
            .On("GET /v1/models", r => Guarded(r, facts, facts.Healthy
                ? Script.Reply(200, CannedAnswers.OpenAiModels(facts, "system"))
                : Script.Reply(503, """{"error":{"message":"The server is down","type":"server_error"}}""")))
            .On("POST /v1/chat/completions", r => Guarded(r, facts, CannedAnswers.Chat(r, facts, Refusal)));
    }

    private static Script Guarded(ReceivedRequest request, EngineFacts facts, Script answer) =>
        facts.Key is null || request.Header("authorization") == $"Bearer {facts.Key}"
            ? answer
            : Script.Reply(
                401,
                """
                {"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,
                "code":"invalid_api_key"}}
                """);
}
