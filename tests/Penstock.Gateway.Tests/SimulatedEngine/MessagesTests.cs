using System.Text.Json;

namespace Penstock.Gateway.Tests.SimulatedEngine;

public sealed class MessagesTests
{
    private const string Tool =
        """
        {"name":"weather","input_schema":{"type":"object","properties":
         {"city":{"type":"string"},"unit":{"enum":["c","f"]}},"required":["city","unit"]}}
        """;

    [Fact]
    public async Task A_stream_has_the_events_of_the_contract_in_their_order()
    {
        await using var server = await EngineServer.StartAsync();

        var events = await server.EventsAsync(
            "/v1/messages",
            """{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"hi"}]}""");

        string[] expected =
        [
            "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_delta",
            "content_block_delta", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
        ];
        Assert.Equal(expected, events.Select(e => e.Name!));
        Assert.All(events, e => Assert.Equal(e.Name, e.Json.GetProperty("type").GetString()));
        var message = events[0].Json.GetProperty("message");
        Assert.Equal("message", message.GetProperty("type").GetString());
        Assert.Equal(0, message.GetProperty("content").GetArrayLength());
        foreach (var field in new[] { "stop_reason", "stop_sequence", "stop_details", "container", "diagnostics" })
        {
            Assert.Equal(JsonValueKind.Null, message.GetProperty(field).ValueKind);
        }

        var end = events[^2].Json;
        Assert.Equal("max_tokens", end.GetProperty("delta").GetProperty("stop_reason").GetString());
        Assert.Equal(JsonValueKind.Null, end.GetProperty("delta").GetProperty("stop_sequence").ValueKind);
        Assert.Equal(5, end.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        Assert.Equal(
            message.GetProperty("usage").GetProperty("input_tokens").GetInt32(),
            end.GetProperty("usage").GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task A_stream_interval_puts_several_tokens_into_an_event_and_keeps_the_first_alone()
    {
        const string Body =
            """{"model":"m","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"hi"}]}""";
        await using var each = await EngineServer.StartAsync();
        await using var every = await EngineServer.StartAsync(EngineServer.Options with { StreamInterval = 4 });

        var tokens = await each.EventsAsync("/v1/messages", Body);
        var events = await every.EventsAsync("/v1/messages", Body);

        // 1 token, then 4, 4 and the last one.
        Assert.Equal(4, events.Count(e => e.Name == "content_block_delta"));
        Assert.Equal(FirstText(tokens), FirstText(events));
        Assert.Equal(Concatenate(tokens, "text"), Concatenate(events, "text"));
        Assert.Equal(10, events[^2].Json.GetProperty("usage").GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task Streamed_or_not_the_answer_is_the_same_and_says_that_it_is_simulated()
    {
        await using var server = await EngineServer.StartAsync();
        const string Rest = """ "model":"m","max_tokens":128000,"messages":[{"role":"user","content":"hi"}]}""";

        var whole = await server.JsonAsync("/v1/messages", "{" + Rest);
        var events = await server.EventsAsync("/v1/messages", """{"stream":true,""" + Rest);

        var text = whole.GetProperty("content")[0].GetProperty("text").GetString()!;
        Assert.StartsWith("(simulated by penstock engine, profile demo-h100) ", text, StringComparison.Ordinal);
        Assert.Equal("end_turn", whole.GetProperty("stop_reason").GetString());
        Assert.Equal(text, Concatenate(events, "text"));
        Assert.Equal("assistant", whole.GetProperty("role").GetString());
        Assert.Equal(JsonValueKind.Null, whole.GetProperty("content")[0].GetProperty("citations").ValueKind);
    }

    [Fact]
    public async Task A_repeated_prompt_is_read_from_the_cache_and_counted_once()
    {
        await using var server = await EngineServer.StartAsync();
        var content = string.Join(' ', Enumerable.Range(0, 100));
        var body = $$"""{"model":"m","max_tokens":3,"messages":[{"role":"user","content":"{{content}}"}]}""";

        var first = (await server.JsonAsync("/v1/messages", body)).GetProperty("usage");
        var second = (await server.JsonAsync("/v1/messages", body)).GetProperty("usage");
        var counted = await server.JsonAsync("/v1/messages/count_tokens", body);

        var total = counted.GetProperty("input_tokens").GetInt32();
        Assert.Equal(0, first.GetProperty("cache_read_input_tokens").GetInt32());
        Assert.Equal(total, first.GetProperty("input_tokens").GetInt32());
        var cached = second.GetProperty("cache_read_input_tokens").GetInt32();
        Assert.Equal((total - 1) / 16 * 16, cached);
        Assert.Equal(total - cached, second.GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task The_next_turn_finds_the_answer_in_the_cache()
    {
        await using var server = await EngineServer.StartAsync();
        const string First = """{"role":"user","content":"tell me something long about turbines"}""";
        var answer = await server.JsonAsync(
            "/v1/messages", $$"""{"model":"m","max_tokens":100,"min_tokens":100,"messages":[{{First}}]}""");
        var said = JsonSerializer.Serialize(answer.GetProperty("content")[0].GetProperty("text").GetString());

        var next = await server.JsonAsync(
            "/v1/messages",
            $$"""
            {"model":"m","max_tokens":3,"messages":[{{First}},{"role":"assistant","content":{{said}}},
             {"role":"user","content":"go on"}]}
            """);

        Assert.True(next.GetProperty("usage").GetProperty("cache_read_input_tokens").GetInt32() >= 96);
    }

    [Fact]
    public async Task A_forced_tool_is_called_with_arguments_that_fit_its_schema()
    {
        await using var server = await EngineServer.StartAsync();
        var rest = $$"""
            "model":"m","max_tokens":200,"tools":[{{Tool}}],"tool_choice":{"type":"any"},
            "messages":[{"role":"user","content":"hi"}]}
            """;

        var whole = await server.JsonAsync("/v1/messages", "{" + rest);
        var events = await server.EventsAsync("/v1/messages", """{"stream":true,""" + rest);

        var call = whole.GetProperty("content")[0];
        Assert.Equal("tool_use", call.GetProperty("type").GetString());
        Assert.Equal("weather", call.GetProperty("name").GetString());
        Assert.Equal("""{"city":"simulated","unit":"c"}""", call.GetProperty("input").GetRawText());
        Assert.Equal("tool_use", whole.GetProperty("stop_reason").GetString());
        Assert.Equal("{}", events[1].Json.GetProperty("content_block").GetProperty("input").GetRawText());
        Assert.Equal(call.GetProperty("input").GetRawText(), Concatenate(events, "partial_json"));
        Assert.Equal("tool_use", events[^2].Json.GetProperty("delta").GetProperty("stop_reason").GetString());
    }

    [Theory]
    [InlineData("please use the tool weather now", "tool_use")]
    [InlineData("please use the tool other now", "text")]
    [InlineData("hi", "text")]
    public async Task Left_to_itself_it_calls_a_tool_only_when_told_to(string said, string expected)
    {
        await using var server = await EngineServer.StartAsync();

        var answer = await server.JsonAsync(
            "/v1/messages",
            $$"""
            {"model":"m","max_tokens":200,"tools":[{{Tool}}],
             "messages":[{"role":"user","content":[{"type":"text","text":"{{said}}"}]}]}
            """);

        Assert.Equal(expected, answer.GetProperty("content")[0].GetProperty("type").GetString());
    }

    [Fact]
    public async Task After_the_result_of_a_tool_comes_text()
    {
        await using var server = await EngineServer.StartAsync();

        var answer = await server.JsonAsync(
            "/v1/messages",
            $$"""
            {"model":"m","max_tokens":200,"tools":[{{Tool}}],"tool_choice":{"type":"any"},"messages":[
             {"role":"user","content":"use the tool weather"},
             {"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"x"} }]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"sunny"}]}]}
            """);

        Assert.Equal("text", answer.GetProperty("content")[0].GetProperty("type").GetString());
        Assert.Equal("end_turn", answer.GetProperty("stop_reason").GetString());
    }

    [Fact]
    public async Task A_stop_sequence_is_named()
    {
        await using var server = await EngineServer.StartAsync();

        var answer = await server.JsonAsync(
            "/v1/messages",
            """
            {"model":"m","max_tokens":200,"stop_sequences":[" profile"],"messages":[{"role":"user","content":"hi"}]}
            """);

        var text = answer.GetProperty("content")[0].GetProperty("text").GetString();
        Assert.Equal("(simulated by penstock engine,", text);
        Assert.Equal("stop_sequence", answer.GetProperty("stop_reason").GetString());
        Assert.Equal(" profile", answer.GetProperty("stop_sequence").GetString());
    }

    private static string FirstText(List<SseEvent> events) => Concatenate(
        [events.First(e => e.Name == "content_block_delta")], "text");

    private static string Concatenate(List<SseEvent> events, string field) => string.Concat(
        events.Where(e => e.Name == "content_block_delta")
            .Select(e => e.Json.GetProperty("delta").GetProperty(field).GetString()));
}
