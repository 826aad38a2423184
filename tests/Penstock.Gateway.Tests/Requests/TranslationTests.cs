using System.Text.Json;
using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Clients of one dialect on engines of the other, end to end.</summary>
public class TranslationTests
{
    private const string ToolCall = """
        {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,
        "message":{"role":"assistant","content":null,"tool_calls":[
        {"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"a\":1}"}}]},
        "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_Anthropic_client_is_served_by_a_chat_engine(bool stream)
    {
        await using var engine = Personality.OpenAi.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var answer = await gateway.AskAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream), ("anthropic-beta", "x"));
        Assert.Equal(200, answer.Status);
        Assert.NotNull(answer.Header("request-id"));
        Assert.StartsWith(stream ? "text/event-stream" : "application/json", answer.ContentType);
        Assert.Contains(stream ? "event: message_stop" : "\"type\":\"message\"", answer.Text);
        Assert.Contains("end_turn", answer.Text);
        var received = engine.To("POST /v1/chat/completions").Last();
        Assert.Null(received.Header("anthropic-beta"));
        Assert.Contains("\"role\":\"user\"", received.BodyText);
        var settled = Assert.Single(await gateway.CloseBooksAsync()).Entries[0].Settlement!.Value;
        Assert.Equal((12, 2, false), (settled.Usage.Prompt, settled.Usage.Output, settled.UsageIsEstimated));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_OpenAI_client_is_served_by_a_messages_engine(bool stream)
    {
        await using var engine = Personality.Anthropic.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var answer = await gateway.AskAsync(Bodies.Chat, Bodies.Of(Dialect.OpenAiChat, stream));
        Assert.Equal(200, answer.Status);
        Assert.StartsWith(stream ? "text/event-stream" : "application/json", answer.ContentType);
        Assert.Contains(stream ? "data: [DONE]\n\n" : "\"object\":\"chat.completion\"", answer.Text);
        Assert.Contains("\"prompt_tokens\":12", answer.Text);
        Assert.Equal("2023-06-01", engine.To("POST /v1/messages").Last().Header("anthropic-version"));
        var settled = Assert.Single(await gateway.CloseBooksAsync()).Entries[0].Settlement!.Value;
        Assert.Equal((12, 2, false), (settled.Usage.Prompt, settled.Usage.Output, settled.UsageIsEstimated));
    }

    [Fact]
    public async Task Tools_cross_the_dialects()
    {
        await using var engine = Personality.OpenAi.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On("POST /v1/chat/completions", Script.Reply(200, ToolCall));
        var answer = await gateway.AskAsync(Bodies.Messages, $$$"""
            {"model":"{{{RunningGateway.Model}}}","max_tokens":9,"messages":[{"role":"user","content":"look"}],
            "tools":[{"name":"look","description":"d","input_schema":{"type":"object","properties":{} } }]}
            """);
        var block = answer.Json().GetProperty("content")[0];
        Assert.Equal("tool_use", block.GetProperty("type").GetString());
        Assert.Equal("call_1", block.GetProperty("id").GetString());
        Assert.Equal(1, block.GetProperty("input").GetProperty("a").GetInt32());
        Assert.Equal("tool_use", answer.Json().GetProperty("stop_reason").GetString());
        using var sent = JsonDocument.Parse(engine.To("POST /v1/chat/completions").Last().Body);
        Assert.Equal("function", sent.RootElement.GetProperty("tools")[0].GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("openai", Dialect.Anthropic, "invalid_request_error")]
    [InlineData("anthropic", Dialect.OpenAiChat, "invalid_request_error")]
    public async Task Errors_of_the_engine_are_told_in_the_clients_dialect(string kind, Dialect client, string type)
    {
        await using var engine = Engines.Wires.Kind(kind).Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On(
            client == Dialect.Anthropic ? "POST /v1/chat/completions" : "POST /v1/messages",
            Script.Reply(400, """{"error":{"type":"invalid_request_error","message":"temperature: too hot"}}"""));
        var answer = await gateway.AskAsync(Bodies.PathOf(client), Bodies.Of(client, stream: true));
        Assert.Equal((400, type), (answer.Status, answer.ErrorType));
        Assert.Contains("temperature: too hot", answer.Text);
        Assert.Equal(["r0 refused_by_engine"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Theory]
    [InlineData("openai", Dialect.Anthropic)]
    [InlineData("anthropic", Dialect.OpenAiChat)]
    public async Task A_translated_stream_that_breaks_off_ends_with_an_error_event(string kind, Dialect client)
    {
        var facts = new EngineFacts();
        await using var engine = Engines.Wires.Kind(kind).Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var chat = client == Dialect.Anthropic;
        string[] events = chat
            ? [.. CannedAnswers.ChatEvents(facts, withUsage: true)]
            : [.. CannedAnswers.MessageEvents(facts)];
        var gate = new Gate();
        engine.On(
            chat ? "POST /v1/chat/completions" : "POST /v1/messages",
            Script.EventsHead().SendChunk(string.Concat(events[..3])).Pass(gate).SendChunk("data: {\"cho").Reset());
        using var response = await gateway.SendAsync(Bodies.PathOf(client), Bodies.Of(client, stream: true));
        gate.Open();
        var answer = await Answer.ReadAsync(response);
        var told = answer.Text.LastIndexOf("\n\n", answer.Text.Length - 3, StringComparison.Ordinal) + 2;
        BrokenStreamTests.AssertError(client, answer.Text[told..], "engine");
        Assert.Equal(["r0 engine_failed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Fact]
    public async Task Pings_of_the_engine_become_comments()
    {
        await using var engine = Personality.Anthropic.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        string[] events = [.. CannedAnswers.MessageEvents(new EngineFacts())];
        engine.On("POST /v1/messages", Script.Events(
            [events[0], "event: ping\ndata: {\"type\": \"ping\"}\n\n", .. events[1..]]));
        var answer = await gateway.AskAsync(Bodies.Chat, Bodies.Of(Dialect.OpenAiChat, stream: true));
        Assert.Contains("\n\n:", answer.Text);
        Assert.EndsWith("data: [DONE]\n\n", answer.Text);
    }

    [Theory]
    [InlineData("vllm", Dialect.Anthropic)]
    [InlineData("vllm", Dialect.OpenAiChat)]
    [InlineData("openai", Dialect.Anthropic)]
    [InlineData("anthropic", Dialect.OpenAiChat)]
    public async Task An_answer_is_what_it_is_and_not_what_was_asked_for(string kind, Dialect client)
    {
        var facts = new EngineFacts();
        await using var engine = Engines.Wires.Kind(kind).Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var same = kind == "vllm";
        var messages = same == (client == Dialect.Anthropic);
        var route = messages ? "POST /v1/messages" : "POST /v1/chat/completions";
        engine.Once(route, Script.Reply(
            200, messages ? CannedAnswers.Message(facts) : CannedAnswers.ChatCompletion(facts)));
        var document = await gateway.AskAsync(Bodies.PathOf(client), Bodies.Of(client, stream: true));
        Assert.StartsWith("application/json", document.ContentType);
        Assert.Contains("Hello there", document.Text);
        engine.Once(route, Script.Events(
            messages ? CannedAnswers.MessageEvents(facts) : CannedAnswers.ChatEvents(facts, withUsage: true)));
        var stream = await gateway.AskAsync(Bodies.PathOf(client), Bodies.Of(client, stream: false));
        Assert.StartsWith("text/event-stream", stream.ContentType);
        Assert.Contains(client == Dialect.Anthropic ? "message_stop" : "[DONE]", stream.Text);
        Assert.All(await gateway.CloseBooksAsync(), b => Assert.Equal(["r0 completed"], b.Booked));
    }
}
