using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

public class DrainTests
{
    private static readonly string[] Messages = [.. CannedAnswers.MessageEvents(new EngineFacts())];

    [Fact]
    public async Task What_is_under_way_ends_and_what_is_new_is_sent_elsewhere()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var gate = new Gate();
        engine.Once("POST /v1/messages", Script.EventsHead().SendChunk(string.Concat(Messages[..3])).Pass(gate)
            .SendChunk(string.Concat(Messages[3..])).SendLastChunk());
        await using var client = new StreamReading(await gateway.SendAsync(
            Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: true)));
        await client.ReadAsync(string.Concat(Messages[..3]));
        var draining = gateway.Host.DrainAsync(TimeSpan.FromHours(1), RunningGateway.Guard);
        foreach (var dialect in new[] { Dialect.Anthropic, Dialect.OpenAiChat })
        {
            using var response = await gateway.SendAsync(Bodies.PathOf(dialect), Bodies.Of(dialect, stream: true));
            var answer = await Answer.ReadAsync(response);
            Assert.Equal(dialect == Dialect.Anthropic ? 529 : 503, answer.Status);
            Assert.Equal(dialect == Dialect.Anthropic ? "overloaded_error" : "server_error", answer.ErrorType);
            Assert.Equal("1", answer.Header("retry-after"));
            Assert.True(response.Headers.ConnectionClose);
        }

        Assert.False(draining.IsCompleted);
        gate.Open();
        await client.ReadAsync(string.Concat(Messages[3..]));
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.True(await gateway.PassTimeAsync(draining));
        Assert.Equal(["r0 completed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }
}
