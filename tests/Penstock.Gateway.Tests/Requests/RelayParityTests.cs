using System.Text;
using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>
/// Where both sides speak one dialect, bytes go through: the engine's copy and the client's are compared.
/// </summary>
public class RelayParityTests
{
    private static readonly int[] Cuts = [1, 2, 3, 7, 100_000];

    public static MatrixTheoryData<string, string> EnginesAndBodies =>
        new(["vllm", "sglang", "llamacpp", "anthropic"], Bodies.Peculiar.Keys);

    public static MatrixTheoryData<string, int> StreamsAndCuts => new(Streams.Keys, Cuts);

    public static TheoryData<string> PeculiarBodies => [.. Bodies.Peculiar.Keys];

    /// <summary>Streams that a parser would be tempted to tidy.</summary>
    private static Dictionary<string, (Dialect Dialect, string Text)> Streams { get; } = new()
    {
        ["messages"] = (Dialect.Anthropic, string.Concat(CannedAnswers.MessageEvents(Unicode))),
        ["messages with odd spacing"] = (Dialect.Anthropic, Odd(string.Concat(CannedAnswers.MessageEvents(Unicode)))),
        ["messages with CRLF"] = (
            Dialect.Anthropic, string.Concat(CannedAnswers.MessageEvents(Unicode)).Replace("\n", "\r\n")),
        ["chat"] = (Dialect.OpenAiChat, string.Concat(CannedAnswers.ChatEvents(Unicode, withUsage: true))),
        ["chat with CRLF"] = (
            Dialect.OpenAiChat,
            string.Concat(CannedAnswers.ChatEvents(Unicode, withUsage: true)).Replace("\n", "\r\n")),
    };

    private static EngineFacts Unicode => new() { Answer = "Grüße 日本 😀 \u2028 end" };

    [Theory, MemberData(nameof(EnginesAndBodies))]
    public async Task The_engine_receives_a_messages_body_byte_for_byte(string kind, string name)
    {
        await using var engine = Engines.Wires.Kind(kind).Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var sent = Bodies.Build(name, RunningGateway.Model);
        using var response = await gateway.SendAsync(
            Bodies.Messages, sent, ("anthropic-version", "2023-06-01"));
        var answer = await Answer.ReadAsync(response);
        Assert.Equal(200, answer.Status);
        var received = await engine.RequestAsync("POST /v1/messages", RunningGateway.Guard, ProbesOf(kind) + 1);
        Assert.Equal(sent, received.RawBody);
        Assert.Equal(CannedAnswers.Message(new EngineFacts()), answer.Text);
    }

    [Theory, MemberData(nameof(PeculiarBodies))]
    public async Task Only_the_name_of_the_model_is_spliced(string name)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(
            d => d with { Pools = [d.Pools[0] with { UpstreamModel = "org/other-name" }] }, engine);
        foreach (var path in new[] { Bodies.Messages, Bodies.Chat, Bodies.Count })
        {
            var before = engine.To($"POST {path}").Count();
            using var response = await gateway.SendAsync(path, Bodies.Build(name, "alias"));
            Assert.Equal(200, (int)response.StatusCode);
            var received = await engine.RequestAsync($"POST {path}", RunningGateway.Guard, before + 1);
            Assert.Equal(Bodies.Build(name, "org/other-name"), received.Body);
        }
    }

    [Theory, MemberData(nameof(PeculiarBodies))]
    public async Task A_chat_stream_without_usage_differs_by_the_spliced_wish_for_it(string name)
    {
        await using var engine = Personality.OpenAi.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        using var response = await gateway.SendAsync(
            Bodies.Chat, Bodies.Build(name, RunningGateway.Model, "\"stream\":true,"));
        var answer = await Answer.ReadAsync(response);
        var received = engine.To("POST /v1/chat/completions").Last(r => r.Body.Length > 0);
        var sent = Encoding.UTF8.GetString(Bodies.Build(name, RunningGateway.Model, "\"stream\":true,"));
        if (name is "pretty" or "order")
        {
            // These have their members spelled out, the wish for a stream not among them.
            Assert.Equal(sent, received.BodyText);
            return;
        }

        var inside = sent.IndexOf('{') + 1;
        Assert.Equal(
            sent[..inside] + "\"stream_options\":{\"include_usage\":true}," + sent[inside..], received.BodyText);
        var engines = CannedAnswers.ChatEvents(new EngineFacts(), withUsage: true);
        Assert.Equal(string.Concat(engines.Where(e => !e.Contains("prompt_tokens"))), answer.Text);
    }

    [Theory]
    [InlineData("\"stream_options\":null,", "\"stream_options\":{\"include_usage\":true},")]
    [InlineData("\"stream_options\":{},", "\"stream_options\":{\"include_usage\":true},")]
    [InlineData("\"stream_options\":{ },", "\"stream_options\":{\"include_usage\":true },")]
    [InlineData(
        "\"stream_options\":{\"include_usage\" : false},", "\"stream_options\":{\"include_usage\" : true},")]
    [InlineData(
        "\"stream_options\":{\"include_obfuscation\":true},",
        "\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":true},")]
    public async Task The_wish_for_usage_is_spliced_into_the_options_that_are_there(string options, string expected)
    {
        await using var engine = Personality.OpenAi.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var template = $$"""{"model":"{{RunningGateway.Model}}",OPTIONS"stream":true,"messages":[]}""";
        var answer = await gateway.AskAsync(Bodies.Chat, template.Replace("OPTIONS", options));
        Assert.DoesNotContain("prompt_tokens", answer.Text);
        var received = engine.To("POST /v1/chat/completions").Last(r => r.Body.Length > 0);
        Assert.Equal(template.Replace("OPTIONS", expected), received.BodyText);
    }

    [Theory, MemberData(nameof(StreamsAndCuts))]
    public async Task The_client_receives_the_stream_byte_for_byte_however_it_is_cut(string name, int size)
    {
        var (dialect, text) = Streams[name];
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var path = Bodies.PathOf(dialect);
        var bytes = Encoding.UTF8.GetBytes(text);
        engine.On($"POST {path}", Chunks(bytes, size));
        var answer = await gateway.AskAsync(path, Bodies.Of(dialect, stream: true));
        Assert.Equal("text/event-stream; charset=utf-8", answer.ContentType);
        Assert.Equal(text, answer.Text);
        var request = Assert.Single(await gateway.CloseBooksAsync());
        Assert.Equal(["r0 completed"], request.Booked);
        var usage = request.Entries[0].Settlement!.Value;
        Assert.False(usage.UsageIsEstimated);
        Assert.Equal((12, 2), (usage.Usage.Prompt, usage.Usage.Output));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100_000)]
    public async Task Only_the_usage_chunk_is_taken_out_however_the_stream_is_cut(int size)
    {
        foreach (var newline in new[] { "\n", "\r\n" })
        {
            await using var engine = Personality.OpenAi.Start();
            await using var gateway = await RunningGateway.StartAsync(engine);
            var events = CannedAnswers.ChatEvents(Unicode, withUsage: true).Select(e => e.Replace("\n", newline));
            engine.On(
                "POST /v1/chat/completions", Chunks(Encoding.UTF8.GetBytes(string.Concat(events)), size));
            var answer = await gateway.AskAsync(
                Bodies.Chat, $$"""{"model":"{{RunningGateway.Model}}","stream":true,"messages":[]}""");
            Assert.Equal(string.Concat(events.Where(e => !e.Contains("prompt_tokens"))), answer.Text);
            var settled = Assert.Single(await gateway.CloseBooksAsync()).Entries[0].Settlement!.Value;
            Assert.Equal((12, 2, false), (settled.Usage.Prompt, settled.Usage.Output, settled.UsageIsEstimated));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task A_whole_answer_arrives_byte_for_byte_and_once(int size)
    {
        var text = " {\"usage\" : {\"input_tokens\":1.0e1,\"output_tokens\":7},\n \"k\":\"\\u00e9é😀\",\"k\":1 } \n";
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        foreach (var script in new[]
        {
            Script.Reply(200, text).InPieces(size),
            Chunks(Encoding.UTF8.GetBytes(text), size, "application/json; charset=x"),
        })
        {
            engine.On("POST /v1/messages", script);
            var answer = await gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false));
            Assert.Equal(text, answer.Text);
        }
    }

    [Theory]
    [InlineData("vllm", true)]
    [InlineData("anthropic", true)]
    [InlineData("openai", false)]
    public async Task Tokens_are_counted_by_the_engine_that_can_and_estimated_else(string kind, bool asked)
    {
        await using var engine = Engines.Wires.Kind(kind).Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var answer = await gateway.AskAsync(
            Bodies.Count + "?beta=true",
            $$"""
            {"model":"{{RunningGateway.Model}}","messages":[{"role":"user","content":"{{new string('a', 400)}}"}]}
            """);
        Assert.Equal(200, answer.Status);
        var tokens = answer.Json().GetProperty("input_tokens").GetInt64();
        Assert.Equal(asked ? null : "true", answer.Header("penstock-estimate"));
        Assert.InRange(tokens, asked ? 12 : 90, asked ? 12 : 200);
        Assert.Empty(Assert.Single(await gateway.CloseBooksAsync()).Entries);
    }

    /// <summary>Requests to the messages path that recognising an engine takes.</summary>
    private static int ProbesOf(string kind) => kind == "anthropic" ? 0 : 1;

    private static Script Chunks(byte[] bytes, int size, string type = "text/event-stream; charset=utf-8")
    {
        var script = Script.Empty.Send(HttpBytes.ChunkedHead(200, type));
        foreach (var piece in bytes.Chunk(size))
        {
            script = script.Send(HttpBytes.Chunk(piece));
        }

        return script.SendLastChunk();
    }

    private static string Odd(string text) =>
        ": a comment\n\n" + text.Replace("data: ", "data:").Replace("\n\nevent", "\nid: 7\n\n\nevent");
}
