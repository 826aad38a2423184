using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Clients that leave: the engine is let go at once, and what it did is booked.</summary>
public class ClientGoneTests
{
    private static readonly string[] Messages = [.. CannedAnswers.MessageEvents(new EngineFacts())];
    private static readonly string[] Chat = [.. CannedAnswers.ChatEvents(new EngineFacts(), withUsage: true)];

    public static TheoryData<Dialect> Dialects => [Dialect.Anthropic, Dialect.OpenAiChat];

    [Theory, MemberData(nameof(Dialects))]
    public async Task An_engine_is_let_go_when_the_client_leaves_a_stream(Dialect dialect)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var path = Bodies.PathOf(dialect);
        var begun = string.Concat((dialect == Dialect.Anthropic ? Messages : Chat)[..4]);
        engine.On($"POST {path}", Script.EventsHead().SendChunk(begun).Hang());
        var client = new StreamReading(await gateway.SendAsync(path, Bodies.Of(dialect, stream: true)));
        await client.ReadAsync(begun);
        await client.DisposeAsync();
        Assert.Equal(ExchangeEnd.PeerGone, await engine.To($"POST {path}").Last().Ended);
        var request = Assert.Single(await gateway.CloseBooksAsync());
        Assert.Equal(["r0 client_gone"], request.Booked);
        Assert.Equal(request.Booked, request.Story);
        var settled = request.Entries[0].Settlement!.Value;
        Assert.True(settled.UsageIsEstimated);
        Assert.True(settled.Usage.Output >= 2, $"{settled.Usage}");
        if (dialect == Dialect.Anthropic)
        {
            Assert.Equal((10, 2), (settled.Usage.Input, settled.Usage.CacheRead));
        }
    }

    [Theory]
    [InlineData(Dialect.Anthropic, true)]
    [InlineData(Dialect.OpenAiChat, true)]
    [InlineData(Dialect.Anthropic, false)]
    [InlineData(Dialect.OpenAiChat, false)]
    public async Task An_engine_is_let_go_when_the_client_leaves_before_the_answer(Dialect dialect, bool stream)
    {
        await using var engine = Personality.Vllm.Start();
        await using var other = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine, other);
        var path = Bodies.PathOf(dialect);
        engine.On($"POST {path}", Script.Empty.Hang());
        var asked = other.Requests.Count;
        var client = new RawClient(gateway.Url);
        await client.SendAsync(RawClient.Post(path, Bodies.Of(dialect, stream)));
        var received = await engine.RequestAsync($"POST {path}", RunningGateway.Guard, ordinal: 2);
        client.Reset();
        Assert.Equal(ExchangeEnd.PeerGone, await received.Ended);
        var request = Assert.Single(await gateway.CloseBooksAsync());
        Assert.Equal(["r0 client_gone"], request.Booked);
        Assert.Equal(asked, other.Requests.Count);
    }

    [Fact]
    public async Task A_client_that_leaves_while_a_whole_answer_arrives_lets_the_engine_go()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On("POST /v1/messages", Script.Empty
            .Send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"usage\":")
            .Hang());
        var client = new RawClient(gateway.Url);
        await client.SendAsync(RawClient.Post(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false)));
        var received = await engine.RequestAsync("POST /v1/messages", RunningGateway.Guard, ordinal: 2);
        client.Reset();
        Assert.Equal(ExchangeEnd.PeerGone, await received.Ended);
        Assert.Equal(["r0 client_gone"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_of_its_body_reaches_no_engine()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var asked = engine.To("POST /v1/messages").Count();
        for (var i = 0; i < 10; i++)
        {
            var client = new RawClient(gateway.Url);
            await client.SendAsync(RawClient.Head(Bodies.Messages, "content-length: 100\r\n") + "{\"model\":");
            client.Reset();
        }

        Assert.Equal(200, (await gateway.AskAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false))).Status);
        Assert.Single(await gateway.CloseBooksAsync());
        Assert.Equal(asked + 1, engine.To("POST /v1/messages").Count());
    }

    /// <summary>The engine is held back by the client, and the gateway keeps no more than a bounded piece.</summary>
    [Fact]
    public async Task A_client_that_stops_reading_holds_the_engine_back_and_is_cut_off()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var piece = new string('x', 64 * 1024);
        var script = Script.EventsHead().SendChunk(Messages[0]);
        for (var i = 0; i < 1000; i++)
        {
            script = script.SendChunk(
                $"event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"x\":\"{piece}\"}}\n\n");
        }

        engine.On("POST /v1/messages", script.SendLastChunk());
        await using var lazy = new RawClient(gateway.Url, receiveBuffer: 8 * 1024);
        await lazy.SendAsync(RawClient.Post(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: true)));
        var received = await engine.RequestAsync("POST /v1/messages", RunningGateway.Guard, ordinal: 2);
        Assert.Contains("200", await lazy.ReadHeadAsync());
        Assert.Equal(200, (await gateway.AskAsync(Bodies.Chat, Bodies.Of(Dialect.OpenAiChat, stream: true))).Status);
        Assert.Equal(ExchangeEnd.PeerGone, await gateway.PassTimeAsync(received.Ended));
        Assert.InRange(await lazy.DrainAsync(), 1, 20 * 1024 * 1024);
        var books = await gateway.CloseBooksAsync();
        Assert.Equal(["r0 client_gone"], books[0].Booked);
        Assert.Equal(["r0 completed"], books[1].Booked);
    }
}
