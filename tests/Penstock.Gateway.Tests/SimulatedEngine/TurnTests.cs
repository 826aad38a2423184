using System.Text.Json;
using System.Text.Json.Nodes;
using Penstock.Cli.Engine;

namespace Penstock.Gateway.Tests.SimulatedEngine;

/// <summary>What the cache has of one turn when the next one comes: prompt and answer, to the last block.</summary>
public sealed class TurnTests
{
    private const string Schema = """{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}""";

    private static readonly int Block = EngineServer.Options.Profile.BlockSize;

    [Theory]
    [InlineData(40)]
    [InlineData(41)]
    [InlineData(47)]
    [InlineData(64)]
    public async Task A_chat_finds_prompt_and_answer_of_the_turn_before(int answer)
    {
        await using var server = await EngineServer.StartAsync();
        var body = JsonNode.Parse($$"""
            {"model":"m","max_tokens":{{answer}},"ignore_eos":true,
             "messages":[{"role":"system","content":"be brief"},{"role":"user","content":"tell me a story"}]}
            """)!;
        for (var turn = 0; turn < 3; turn++)
        {
            var (first, message) = await ChatAsync(server, body);
            body["messages"]!.AsArray().Add(message);
            body["messages"]!.AsArray().Add(JsonNode.Parse("""{"role":"user","content":"and then?"}"""));

            var (second, _) = await ChatAsync(server, body);

            Assert.Equal(Expected(first), second.Cached);
        }
    }

    [Fact]
    public async Task A_chat_finds_the_tool_call_of_the_turn_before()
    {
        await using var server = await EngineServer.StartAsync();
        var body = JsonNode.Parse($$"""
            {"model":"m","messages":[{"role":"user","content":"{{Long}} use the tool look_up"}],
             "tools":[{"type":"function","function":{"name":"look_up","parameters":{{Schema}}} }]}
            """)!;
        var (first, message) = await ChatAsync(server, body);
        var function = message["tool_calls"]![0]!["function"]!;
        Assert.Equal("look_up", (string?)function["name"]);
        Assert.Equal("""{"q":"simulated"}""", (string?)function["arguments"]);

        // Clients write the arguments back in their own way.
        function["arguments"] = """{ "q": "simulated" }""";
        body["messages"]!.AsArray().Add(message);
        body["messages"]!.AsArray().Add(JsonNode.Parse("""{"role":"tool","tool_call_id":"x","content":"42"}"""));
        var (second, _) = await ChatAsync(server, body);

        Assert.Equal(Expected(first), second.Cached);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(47)]
    public async Task Messages_find_prompt_and_answer_of_the_turn_before(int answer)
    {
        await using var server = await EngineServer.StartAsync();
        var body = JsonNode.Parse($$"""
            {"model":"m","max_tokens":{{answer}},"ignore_eos":true,"system":"be brief",
             "messages":[{"role":"user","content":"tell me a story"}]}
            """)!;
        for (var turn = 0; turn < 3; turn++)
        {
            var (first, content) = await MessagesAsync(server, body);
            body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "assistant", ["content"] = content });
            body["messages"]!.AsArray().Add(JsonNode.Parse("""{"role":"user","content":"and then?"}"""));

            var (second, _) = await MessagesAsync(server, body);

            Assert.Equal(Expected(first), second.Cached);
        }
    }

    [Fact]
    public async Task Messages_find_the_tool_call_of_the_turn_before()
    {
        await using var server = await EngineServer.StartAsync();
        var body = JsonNode.Parse($$"""
            {"model":"m","max_tokens":500,"messages":[{"role":"user","content":"{{Long}} use the tool look_up"}],
             "tools":[{"name":"look_up","input_schema":{{Schema}}}]}
            """)!;
        var (first, content) = await MessagesAsync(server, body);
        Assert.Equal("tool_use", (string?)content[0]!["type"]);
        body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "assistant", ["content"] = content });
        body["messages"]!.AsArray().Add(JsonNode.Parse(
            """{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"42"}]}"""));

        var (second, _) = await MessagesAsync(server, body);

        Assert.Equal(Expected(first), second.Cached);
    }

    /// <summary>Long enough that the call does not end in the block in which the prompt does.</summary>
    private static string Long => string.Join(' ', Enumerable.Repeat("word", 43));

    private static int Expected(Turn turn) => (turn.Prompt + turn.Output - 1) / Block * Block;

    private static async Task<(Turn Turn, JsonNode Message)> ChatAsync(EngineServer server, JsonNode body)
    {
        var answer = await server.JsonAsync("/v1/chat/completions", body.ToJsonString());
        var usage = answer.GetProperty("usage");
        var turn = new Turn(
            usage.GetProperty("prompt_tokens").GetInt32(),
            usage.GetProperty("completion_tokens").GetInt32(),
            usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
        return (turn, Node(answer.GetProperty("choices")[0].GetProperty("message")));
    }

    private static async Task<(Turn Turn, JsonNode Content)> MessagesAsync(EngineServer server, JsonNode body)
    {
        var answer = await server.JsonAsync("/v1/messages", body.ToJsonString());
        var usage = answer.GetProperty("usage");
        var cached = usage.GetProperty("cache_read_input_tokens").GetInt32();
        var turn = new Turn(
            usage.GetProperty("input_tokens").GetInt32() + cached,
            usage.GetProperty("output_tokens").GetInt32(),
            cached);
        return (turn, Node(answer.GetProperty("content")));
    }

    private static JsonNode Node(JsonElement element) => JsonNode.Parse(element.GetRawText())!;

    private readonly record struct Turn(int Prompt, int Output, int Cached);
}
