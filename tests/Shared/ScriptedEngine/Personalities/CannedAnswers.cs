using System.Globalization;
using System.Text.Json;

namespace Penstock.Tests.Shared.Personalities;

/// <summary>Whole answers of both dialects, streamed and not, as the engines give them.</summary>
internal static class CannedAnswers
{
    private const string MessageStart = """
        {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":MODEL,
        "content":[],"stop_reason":null,"stop_sequence":null,
        "usage":{"input_tokens":INPUT,"cache_creation_input_tokens":0,"cache_read_input_tokens":2,"output_tokens":0}}}
        """;

    private const string WholeMessage = """
        {"id":"msg_1","type":"message","role":"assistant","model":MODEL,
        "content":[{"type":"text","text":ANSWER}],"stop_reason":"end_turn","stop_sequence":null,
        "usage":{"input_tokens":INPUT,"cache_creation_input_tokens":0,"cache_read_input_tokens":2,"output_tokens":2}}
        """;

    private const string WholeCompletion = """
        {"id":"chatcmpl-1","object":"chat.completion","created":1795000000,"model":MODEL,
        "choices":[{"index":0,"message":{"role":"assistant","content":ANSWER},"finish_reason":"stop"}],"usage":USAGE}
        """;

    private const string ChatUsage = """
        {"prompt_tokens":12,"completion_tokens":2,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":2}}
        """;

    private const string OneModel = """
        {"object":"list","data":[
        {"id":MODEL,"object":"model","created":1795000000,"owned_by":OWNER MORE}]}
        """;

    /// <summary>
    /// Answers <c>POST /v1/messages</c>: a refusal to a request without a body, else what was asked for.
    /// </summary>
    public static Script Messages(ReceivedRequest request, EngineFacts facts, Script refusal) =>
        request.Body.Length == 0 ? refusal
        : WantsStream(request) ? Script.Events(MessageEvents(facts))
        : Script.Reply(200, Message(facts));

    /// <summary>The same for <c>POST /v1/chat/completions</c>.</summary>
    public static Script Chat(ReceivedRequest request, EngineFacts facts, Script refusal) =>
        request.Body.Length == 0 ? refusal
        : WantsStream(request) ? Script.Events(ChatEvents(facts, request.BodyText.Contains("include_usage")))
        : Script.Reply(200, ChatCompletion(facts));

    public static Script CountTokens(ReceivedRequest request, Script refusal) =>
        request.Body.Length == 0 ? refusal : Script.Reply(200, """{"input_tokens":12}""");

    public static string Message(EngineFacts facts) => Fill(WholeMessage, facts);

    public static IEnumerable<string> MessageEvents(EngineFacts facts)
    {
        yield return Event("message_start", Fill(MessageStart, facts));
        yield return Event(
            "content_block_start",
            """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""");
        foreach (var piece in Pieces(facts.Answer))
        {
            yield return Event(
                "content_block_delta",
                """{"type":"content_block_delta","index":0,"""
                + $$$"""
                "delta":{"type":"text_delta","text":{{{Quote(piece)}}}}}
                """);
        }

        yield return Event("content_block_stop", """{"type":"content_block_stop","index":0}""");
        yield return Event(
            "message_delta",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"""
            + "\"usage\":{\"output_tokens\":2}}");
        yield return Event("message_stop", """{"type":"message_stop"}""");
    }

    public static string ChatCompletion(EngineFacts facts) => Fill(WholeCompletion, facts);

    public static IEnumerable<string> ChatEvents(EngineFacts facts, bool withUsage)
    {
        yield return Chunk(facts, """{"role":"assistant","content":""}""", "null", withUsage);
        foreach (var piece in Pieces(facts.Answer))
        {
            yield return Chunk(facts, $$"""{"content":{{Quote(piece)}}}""", "null", withUsage);
        }

        yield return Chunk(facts, "{}", "\"stop\"", withUsage);
        if (withUsage)
        {
            yield return Data(Head(facts) + ",\"choices\":[],\"usage\":" + OneLine(ChatUsage) + "}");
        }

        yield return Data("[DONE]");
    }

    /// <summary>The list of models in OpenAI's form, with <paramref name="more"/> put into the entry.</summary>
    public static string OpenAiModels(EngineFacts facts, string ownedBy, string more = "") =>
        Fill(OneModel.Replace("OWNER MORE", Quote(facts.OwnedBy ?? ownedBy) + more), facts);

    public static string Quote(string text) => JsonSerializer.Serialize(text);

    /// <summary>The text with its line ends taken out: what may not contain any can be written over several.</summary>
    public static string OneLine(string text) => text.Replace("\r", "").Replace("\n", "");

    private static string Fill(string template, EngineFacts facts) => OneLine(template)
        .Replace("USAGE", OneLine(ChatUsage))
        .Replace("MODEL", Quote(facts.Model))
        .Replace("INPUT", facts.InputTokens.ToString(CultureInfo.InvariantCulture))
        .Replace("ANSWER", Quote(facts.Answer));

    private static string Chunk(EngineFacts facts, string delta, string finish, bool withUsage) => Data(
        Head(facts) + $$$""","choices":[{"index":0,"delta":{{{delta}}},"finish_reason":{{{finish}}}}]"""
        + (withUsage ? ",\"usage\":null}" : "}"));

    private static string Head(EngineFacts facts) =>
        $$"""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795000000,"model":{{Quote(facts.Model)}}""";

    private static string Event(string name, string data) => $"event: {name}\ndata: {data}\n\n";

    private static string Data(string data) => $"data: {data}\n\n";

    private static IEnumerable<string> Pieces(string text) =>
        text.Split(' ').Select((word, i) => i == 0 ? word : " " + word);

    private static bool WantsStream(ReceivedRequest request)
    {
        try
        {
            using var body = JsonDocument.Parse(request.Body);
            return body.RootElement.TryGetProperty("stream", out var stream)
                && stream.ValueKind == JsonValueKind.True;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
