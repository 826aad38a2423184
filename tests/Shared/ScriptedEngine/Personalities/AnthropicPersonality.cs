namespace Penstock.Tests.Shared.Personalities;

/// <summary>Answers like the Anthropic API.</summary>
internal static class AnthropicPersonality
{
    private static readonly Script Refusal = Error(400, "invalid_request_error", "The request body is not valid JSON");

    public static void Install(ScriptedEngine engine, EngineFacts facts)
    {
        engine.Otherwise = _ => Error(404, "not_found_error", "Not found");
        engine
            .On("GET /v1/models", r => Guarded(r, facts, facts.Healthy
                ? Script.Reply(200, Models(facts), headers: "request-id: req_1\r\n")
                : Error(500, "api_error", "Internal server error")))
            .On("POST /v1/messages", r => Guarded(r, facts, CannedAnswers.Messages(r, facts, Refusal)))
            .On("POST /v1/messages/count_tokens", r => Guarded(r, facts, CannedAnswers.CountTokens(r, Refusal)));
    }

    public static Script Error(int status, string type, string message) => Script.Reply(
        status,
        $$"""{"type":"error","error":{"type":"{{type}}","message":"{{message}}"},"request_id":"req_1"}""",
        headers: "request-id: req_1\r\n");

    private static string Models(EngineFacts facts) =>
        $$"""
        {"data":[{"type":"model","id":{{CannedAnswers.Quote(facts.Model)}},"display_name":"Test Model",
        "created_at":"2026-01-01T00:00:00Z"}],"has_more":false,"first_id":null,"last_id":null}
        """;

    private static Script Guarded(ReceivedRequest request, EngineFacts facts, Script answer) =>
        request.Header("anthropic-version") is null
            ? Error(400, "invalid_request_error", "anthropic-version: header is required")
        : facts.Key is null || request.Header("x-api-key") == facts.Key ? answer
        : Error(401, "authentication_error", "invalid x-api-key");
}
