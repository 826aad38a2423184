using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>
/// What fails after the first byte is told inside the stream, between two events, and is not tried again.
/// </summary>
public class BrokenStreamTests
{
    private static readonly EngineFacts Facts = new();

    private static readonly string[] Messages = [.. CannedAnswers.MessageEvents(Facts)];
    private static readonly string[] Chat = [.. CannedAnswers.ChatEvents(Facts, withUsage: true)];

    private static readonly Dictionary<string, Func<Script, Script>> Ends = new()
    {
        ["reset"] = s => s.Reset(),
        ["closed"] = s => s.Close(),
        ["ended too early"] = s => s.SendLastChunk(),
        ["torn chunk"] = s => s.Send("ff\r\nevent: content_blo").Close(),
        ["chunk of nonsense"] = s => s.Send("zz\r\n\r\n").Close(),
        ["torn event"] = s => s.SendChunk("data: {\"type\":\"cont").Close(),
        ["torn letter"] = s => s.Send(HttpBytes.Chunk([.. "data: {\"a\":\""u8, 0xe2, 0x82])).Close(),
        ["garbage"] = s => s.Send(HttpBytes.Chunk([0, 1, 2, 0xff])).Close(),
    };

    public static MatrixTheoryData<string, Dialect> EndsAndDialects =>
        new(Ends.Keys, [Dialect.Anthropic, Dialect.OpenAiChat]);

    [Theory, MemberData(nameof(EndsAndDialects))]
    public async Task A_stream_that_breaks_off_ends_with_an_error_event_and_is_booked_as_failed(
        string end, Dialect dialect)
    {
        await using var bad = Personality.Vllm.Start();
        await using var other = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(bad, other);
        var whole = string.Concat((dialect == Dialect.Anthropic ? Messages : Chat)[..3]);
        var path = Bodies.PathOf(dialect);
        var gate = new Gate();
        bad.On($"POST {path}", Ends[end](Script.EventsHead().SendChunk(whole).Pass(gate)));
        var before = other.Requests.Count;
        var client = new StreamReading(await gateway.SendAsync(path, Bodies.Of(dialect, stream: true)));
        await client.ReadAsync(whole);
        gate.Open();
        AssertError(dialect, await client.ReadToEndAsync(), "engine");
        Assert.Equal(before, other.Requests.Count);
        var request = Assert.Single(await gateway.CloseBooksAsync());
        Assert.Equal(["r0 engine_failed"], request.Booked);
        var settled = request.Entries[0].Settlement!.Value;
        Assert.True(settled.UsageIsEstimated);
        Assert.True(settled.Usage.Prompt > 0);
        Assert.True(settled.Usage.Output > 0);
    }

    [Theory]
    [InlineData(Dialect.Anthropic)]
    [InlineData(Dialect.OpenAiChat)]
    public async Task An_error_that_the_engine_puts_into_its_stream_goes_through_and_ends_it(Dialect dialect)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var path = Bodies.PathOf(dialect);
        var text = string.Concat((dialect == Dialect.Anthropic ? Messages : Chat)[..3])
            + (dialect == Dialect.Anthropic ? "event: error\ndata: " : "data: ")
            + (dialect == Dialect.Anthropic
                ? """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"""
                : """{"error":{"message":"full","type":"server_error","param":null,"code":null}}""")
            + "\n\n";
        engine.On($"POST {path}", Script.EventsHead().SendChunk(text).SendLastChunk());
        var answer = await gateway.AskAsync(path, Bodies.Of(dialect, stream: true));
        Assert.Equal(text, answer.Text);
        Assert.Equal(["r0 engine_failed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Theory]
    [InlineData(Dialect.Anthropic, false)]
    [InlineData(Dialect.OpenAiChat, false)]
    [InlineData(Dialect.Anthropic, true)]
    [InlineData(Dialect.OpenAiChat, true)]
    public async Task Nothing_follows_a_stream_that_was_complete_before_the_engine_broke_off(
        Dialect dialect, bool hangs)
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var path = Bodies.PathOf(dialect);
        var text = string.Concat(dialect == Dialect.Anthropic ? Messages : Chat);
        var gate = new Gate();
        var script = Script.EventsHead().SendChunk(text).Pass(gate);
        engine.On($"POST {path}", hangs ? script.Hang() : script.Reset());
        using var response = await gateway.SendAsync(path, Bodies.Of(dialect, stream: true));
        var reading = Answer.ReadAsync(response);
        await gate.Reached;
        gate.Open();
        Assert.Equal(text, (hangs ? await gateway.PassTimeAsync(reading) : await reading).Text);
        Assert.Equal(["r0 completed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    /// <summary>The error is one whole event after whatever the engine left torn.</summary>
    internal static void AssertError(Dialect dialect, string rest, string says)
    {
        var events = rest.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        var last = events[^1];
        Assert.EndsWith("\n\n", rest);
        Assert.StartsWith(
            dialect == Dialect.Anthropic
                ? "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\""
                : "data: {\"error\":{\"message\":\"",
            last);
        Assert.Contains(says, last);
        Assert.DoesNotContain("[DONE]", rest);
        Assert.DoesNotContain("message_stop", rest);
        Assert.All(events[..^1], e => Assert.DoesNotContain("error", e));
    }
}
