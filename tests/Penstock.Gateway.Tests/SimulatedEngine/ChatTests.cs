using System.Text.Json;

namespace Penstock.Gateway.Tests.SimulatedEngine;

public sealed class ChatTests
{
    private const string Path = "/v1/chat/completions";

    [Fact]
    public async Task A_stream_begins_with_the_role_and_ends_with_usage_and_done()
    {
        await using var server = await EngineServer.StartAsync();

        var events = await server.EventsAsync(
            Path,
            """
            {"model":"m","max_tokens":4,"stream":true,"stream_options":{"include_usage":true},
             "messages":[{"role":"user","content":"hi"}]}
            """);

        Assert.All(events, e => Assert.Null(e.Name));
        Assert.Equal("[DONE]", events[^1].Data);
        Assert.Equal(8, events.Count);
        Assert.Equal("assistant", Delta(events[0]).GetProperty("role").GetString());
        Assert.Equal("length", events[^3].Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        var usage = events[^2].Json;
        Assert.Equal(0, usage.GetProperty("choices").GetArrayLength());
        Assert.Equal(4, usage.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.All(events[..^3], e => Assert.Equal(
            JsonValueKind.Null, e.Json.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
    }

    [Fact]
    public async Task Usage_in_a_stream_comes_only_when_asked_for()
    {
        await using var server = await EngineServer.StartAsync();

        var events = await server.EventsAsync(
            Path, """{"model":"m","max_tokens":4,"stream":true,"messages":[{"role":"user","content":"hi"}]}""");

        Assert.Equal("[DONE]", events[^1].Data);
        Assert.DoesNotContain(events[..^1], e => e.Json.TryGetProperty("usage", out _));
    }

    [Fact]
    public async Task Both_dialects_read_the_same_conversation_as_the_same_tokens()
    {
        await using var server = await EngineServer.StartAsync();
        const string Schema = """{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}""";

        var chat = await server.JsonAsync(
            Path,
            $$"""
            {"model":"m","max_tokens":4,"tools":[{"type":"function","function":{"name":"f","description":"d",
             "parameters":{{Schema}}} }],"messages":[{"role":"system","content":"be brief"},
             {"role":"user","content":"hi"}]}
            """);
        var messages = await server.JsonAsync(
            "/v1/messages/count_tokens",
            $$"""
            {"model":"m","tools":[{"name":"f","description":"d","input_schema":{{Schema}}}],"system":"be brief",
             "messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"} }]}]}
            """);

        Assert.Equal(
            messages.GetProperty("input_tokens").GetInt32(),
            chat.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task A_required_tool_is_called_whole_and_streamed()
    {
        await using var server = await EngineServer.StartAsync();
        const string Rest =
            """
            "model":"m","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object",
            "properties":{"n":{"type":"integer"}},"required":["n"]}}}],"tool_choice":"required",
            "messages":[{"role":"user","content":"hi"}]}
            """;

        var whole = await server.JsonAsync(Path, "{" + Rest);
        var events = await server.EventsAsync(Path, """{"stream":true,""" + Rest);

        var choice = whole.GetProperty("choices")[0];
        var call = choice.GetProperty("message").GetProperty("tool_calls")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        Assert.Equal("""{"n":1}""", call.GetProperty("function").GetProperty("arguments").GetString());
        var deltas = events[..^1].Select(Delta).Where(d => d.TryGetProperty("tool_calls", out _))
            .Select(d => d.GetProperty("tool_calls")[0]).ToList();
        Assert.Equal("f", deltas[0].GetProperty("function").GetProperty("name").GetString());
        Assert.Equal(
            """{"n":1}""",
            string.Concat(deltas.Select(d => d.GetProperty("function").GetProperty("arguments").GetString())));
    }

    [Fact]
    public async Task A_text_completion_takes_text_or_token_ids()
    {
        await using var server = await EngineServer.StartAsync();
        var tokens = await server.JsonAsync("/tokenize", """{"model":"m","prompt":"once upon a time"}""");
        var ids = tokens.GetProperty("tokens").GetRawText();

        var ofText = await server.JsonAsync("/v1/completions", """{"model":"m","prompt":"once upon a time"}""");
        var ofTokens = await server.JsonAsync("/v1/completions", $$"""{"model":"m","prompt":{{ids}}}""");
        var back = await server.JsonAsync("/detokenize", $$"""{"model":"m","tokens":{{ids}}}""");

        Assert.Equal("once upon a time", back.GetProperty("prompt").GetString());
        Assert.Equal(16, ofText.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(
            ofText.GetProperty("choices")[0].GetProperty("text").GetString(),
            ofTokens.GetProperty("choices")[0].GetProperty("text").GetString());
    }

    private static JsonElement Delta(SseEvent e) => e.Json.GetProperty("choices")[0].GetProperty("delta");
}
