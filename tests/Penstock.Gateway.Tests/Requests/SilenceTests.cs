using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Engines that say nothing: watchdogs and pings, on a clock that the test moves.</summary>
public class SilenceTests
{
    private const string Ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly string[] Messages = [.. CannedAnswers.MessageEvents(new EngineFacts())];
    private static readonly string[] Chat = [.. CannedAnswers.ChatEvents(new EngineFacts(), withUsage: true)];

    public static TheoryData<Dialect> Dialects => [Dialect.Anthropic, Dialect.OpenAiChat];

    [Theory, MemberData(nameof(Dialects))]
    public async Task Silence_before_the_first_byte_sends_a_stream_to_another_replica(Dialect dialect)
    {
        await using var silent = Personality.Vllm.Start();
        await using var good = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(Patient, silent, good);
        var path = Bodies.PathOf(dialect);
        foreach (var script in new[] { Script.Empty, Script.EventsHead() })
        {
            var gate = new Gate();
            silent.On($"POST {path}", script.Pass(gate));
            var asking = gateway.AskAsync(path, Bodies.Of(dialect, stream: true));
            if (await Task.WhenAny(asking, gate.Reached) == asking)
            {
                // Its turn was the good one's: the next request is for the silent one.
                asking = gateway.AskAsync(path, Bodies.Of(dialect, stream: true));
                await gate.Reached;
            }

            gateway.Clock.Advance(21 * Second);
            Assert.Equal(200, (await asking).Status);
        }

        var books = await gateway.CloseBooksAsync();
        Assert.All(books, b => Assert.Equal(b.Story, b.Booked));
        Assert.Equal(2, books.Count(b => b.Story is ["r0 engine_timeout", "r1 completed"]));
    }

    [Theory]
    [InlineData(Dialect.Anthropic, true)]
    [InlineData(Dialect.OpenAiChat, true)]
    [InlineData(Dialect.Anthropic, false)]
    [InlineData(Dialect.OpenAiChat, false)]
    public async Task An_engine_that_never_answers_is_a_timeout_to_the_client(Dialect dialect, bool stream)
    {
        await using var silent = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(Patient, silent);
        var gate = new Gate();
        var path = Bodies.PathOf(dialect);
        silent.On($"POST {path}", Script.Empty.Pass(gate));
        var asking = gateway.AskAsync(path, Bodies.Of(dialect, stream));
        await gate.Reached;
        var answer = await gateway.PassTimeAsync(asking);
        Assert.Equal((504, dialect == Dialect.Anthropic ? "timeout_error" : "server_error"),
            (answer.Status, answer.ErrorType));
        Assert.Equal(ExchangeEnd.PeerGone, await silent.To($"POST {path}").Last().Ended);
        Assert.Equal(["r0 engine_timeout"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Theory, MemberData(nameof(Dialects))]
    public async Task Silence_inside_a_stream_is_told_inside_it_and_the_engine_is_let_go(Dialect dialect)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(
            d => Patient(d) with { Limits = d.Limits with { PingAfter = TimeSpan.FromMinutes(10) } }, engine);
        var path = Bodies.PathOf(dialect);
        var gate = new Gate();
        var begun = string.Concat((dialect == Dialect.Anthropic ? Messages : Chat)[..3]);
        engine.On($"POST {path}", Script.EventsHead().SendChunk(begun).Pass(gate));
        using var response = await gateway.SendAsync(path, Bodies.Of(dialect, stream: true));
        var answer = await gateway.PassTimeAsync(Answer.ReadAsync(response));
        Assert.StartsWith(begun, answer.Text);
        BrokenStreamTests.AssertError(dialect, answer.Text[begun.Length..], "silent");
        Assert.Equal(ExchangeEnd.PeerGone, await engine.To($"POST {path}").Last().Ended);
        Assert.Equal(["r0 engine_timeout"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Fact]
    public async Task A_silent_stream_carries_pings_between_events_and_never_inside_one()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(SeldomPings, engine);
        var (half, rest) = (Messages[2][..^20], Messages[2][^20..]);
        var (between, inside) = (new Gate(), new Gate());
        engine.On("POST /v1/messages", Script.EventsHead()
            .SendChunk(Messages[0] + Messages[1]).Pass(between).SendChunk(half).Pass(inside)
            .SendChunk(rest + string.Concat(Messages[3..])).SendLastChunk());
        await using var client = new StreamReading(await gateway.SendAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: true)));
        await client.ReadAsync(Messages[0] + Messages[1]);
        await gateway.PassTimeAsync(client.ReadAsync(Ping));
        await gateway.PassTimeAsync(client.ReadAsync(Ping));
        between.Open();
        await inside.Reached;
        await client.ReadAsync(half);
        for (var minutes = 0; minutes < 20; minutes++)
        {
            gateway.Clock.Advance(TimeSpan.FromMinutes(1));
            await gateway.AdminAsync("/admin/config");
        }

        inside.Open();
        await client.ReadAsync(rest + string.Concat(Messages[3..]));
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal(["r0 completed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Fact]
    public async Task A_stream_that_is_long_in_coming_begins_with_a_ping()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(SeldomPings, engine);
        var gate = new Gate();
        engine.On("POST /v1/messages", Script.EventsHead()
            .Pass(gate).SendChunk(string.Concat(Messages)).SendLastChunk());
        var sending = gateway.SendAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: true));
        await using var client = new StreamReading(await gateway.PassTimeAsync(sending));
        await gateway.PassTimeAsync(client.ReadAsync(Ping));
        gate.Open();
        await client.ReadAsync(string.Concat(Messages));
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal(["r0 completed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Fact]
    public async Task A_silent_chat_stream_carries_comments()
    {
        await using var engine = Personality.OpenAi.Start();
        await using var gateway = await RunningGateway.StartAsync(SeldomPings, engine);
        var gate = new Gate();
        engine.On("POST /v1/chat/completions", Script.EventsHead()
            .SendChunk(Chat[0]).Pass(gate).SendChunk(string.Concat(Chat[1..])).SendLastChunk());
        await using var client = new StreamReading(await gateway.SendAsync(
            Bodies.Chat, Bodies.Of(Dialect.OpenAiChat, stream: true)));
        await client.ReadAsync(Chat[0]);
        await gateway.PassTimeAsync(client.ReadAsync(": ping\n\n"));
        gate.Open();
        await client.ReadAsync(string.Concat(Chat[1..]));
        Assert.Equal("", await client.ReadToEndAsync());
    }

    [Theory, MemberData(nameof(Dialects))]
    public async Task A_whole_answer_may_take_more_than_ten_minutes(Dialect dialect)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var gate = new Gate();
        var path = Bodies.PathOf(dialect);
        engine.On($"POST {path}", Script.Empty.Pass(gate).Send(Script.Reply(200, "{\"done\":1}").AllBytes()));
        var asking = gateway.AskAsync(path, Bodies.Of(dialect, stream: false));
        await gate.Reached;
        gateway.Clock.Advance(TimeSpan.FromMinutes(29));
        gate.Open();
        var answer = await asking;
        Assert.Equal((200, "{\"done\":1}"), (answer.Status, answer.Text));
        Assert.Equal(["r0 completed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    private static PenstockConfig Patient(PenstockConfig document) => document with
    {
        Pools =
        [
            document.Pools[0] with
            {
                Timeouts = new TimeoutsConfig
                {
                    FirstByte = 20 * Second, BetweenBytes = 20 * Second, NonStreaming = 20 * Second,
                },
            },
        ],
    };

    /// <summary>Pings come so seldom that no second one slips in while the first is being read.</summary>
    private static PenstockConfig SeldomPings(PenstockConfig document) => document with
    {
        Limits = document.Limits with { PingAfter = TimeSpan.FromMinutes(5) },
        Pools = [document.Pools[0] with { Timeouts = new TimeoutsConfig { BetweenBytes = TimeSpan.FromHours(9) } }],
    };
}
