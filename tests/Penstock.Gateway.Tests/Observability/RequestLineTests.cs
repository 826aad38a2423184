using System.Text.Json;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Observability;

public sealed class RequestLineTests
{
    private const string MessagesRoute = "POST /v1/messages";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_that_succeeds_has_one_line_with_all_that_is_known_of_it()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        using var request = gateway.Message(stream: true);
        using var answer = await gateway.Http.SendAsync(request, Cancel);
        _ = await answer.Content.ReadAsByteArrayAsync(Cancel);
        var line = Assert.Single(await gateway.StopAsync());

        Assert.Equal(
            [
                "time", "event", "request_id", "decision_id", "key", "org", "model", "pool", "replica", "dialect",
                "stream", "status", "outcome", "attempts", "prompt_tokens", "cached_tokens", "output_tokens",
                "price_usd", "ttft_ms", "total_ms", "overhead_ms", "request_bytes", "response_bytes",
            ],
            line.EnumerateObject().Select(p => p.Name));
        Assert.Equal(answer.Headers.GetValues("request-id").Single(), Text(line, "request_id"));
        Assert.Equal(answer.Headers.GetValues("penstock-decision-id").Single(), Text(line, "decision_id"));
        Assert.Equal("key-1", Text(line, "key"));
        Assert.Equal("acme", Text(line, "org"));
        Assert.Equal("test-model", Text(line, "model"));
        Assert.Equal("p", Text(line, "pool"));
        Assert.Equal("r1", Text(line, "replica"));
        Assert.Equal("anthropic", Text(line, "dialect"));
        Assert.Equal("completed", Text(line, "outcome"));
        Assert.Equal(200, line.GetProperty("status").GetInt32());
        Assert.Equal(12, line.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(2, line.GetProperty("cached_tokens").GetInt32());
        Assert.Equal(2, line.GetProperty("output_tokens").GetInt32());
        Assert.Equal(0.0162m, line.GetProperty("price_usd").GetDecimal());
        Assert.True(line.GetProperty("total_ms").GetDouble() >= line.GetProperty("ttft_ms").GetDouble());
        Assert.True(line.GetProperty("ttft_ms").GetDouble() > 0);
        Assert.Equal(ObservedGateway.Body(true).Length, line.GetProperty("request_bytes").GetInt32());
        Assert.Equal(
            answer.Headers.GetValues("penstock-overhead-ms").Single(), line.GetProperty("overhead_ms").GetRawText());
    }

    [Fact]
    public async Task A_refused_request_has_one_line_with_the_model_that_was_asked_for()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        Assert.Equal(404, await gateway.AskAsync(stream: false, model: "odd \"name\" " + new string('z', 300)));
        var line = Assert.Single(await gateway.StopAsync());

        Assert.Equal("model_not_found", Text(line, "outcome"));
        Assert.Equal(404, line.GetProperty("status").GetInt32());
        Assert.Equal(0, line.GetProperty("attempts").GetInt32());
        Assert.StartsWith("odd \"name\" zz", Text(line, "requested_model"), StringComparison.Ordinal);
        Assert.Equal(64, Text(line, "requested_model").Length);
        Assert.False(line.TryGetProperty("model", out _));
        Assert.False(line.TryGetProperty("pool", out _));
        Assert.False(line.TryGetProperty("prompt_tokens", out _));
    }

    [Fact]
    public async Task A_request_without_a_key_has_one_line_that_names_nobody()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        gateway.Http.DefaultRequestHeaders.Remove("x-api-key");
        Assert.Equal(401, await gateway.AskAsync(stream: false));
        var line = Assert.Single(await gateway.StopAsync());

        Assert.Equal("unauthenticated", Text(line, "outcome"));
        Assert.False(line.TryGetProperty("key", out _));
    }

    [Fact]
    public async Task An_engine_that_breaks_off_in_its_stream_is_told_in_the_line()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        var first = CannedAnswers.MessageEvents(new EngineFacts()).First();
        gateway.Engine.On(MessagesRoute, Script.EventsHead().SendChunk(first).Close());
        Assert.Equal(200, await gateway.AskAsync(stream: true));
        var line = Assert.Single(await gateway.StopAsync());

        Assert.Equal("engine_failed", Text(line, "outcome"));
        Assert.Equal(200, line.GetProperty("status").GetInt32());
        Assert.Equal(12, line.GetProperty("prompt_tokens").GetInt32());
        Assert.True(line.GetProperty("estimated").GetBoolean());
    }

    [Fact]
    public async Task An_engine_that_refuses_is_told_in_the_line()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        gateway.Engine.On(MessagesRoute, Script.Reply(
            400, """{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"""));
        Assert.Equal(400, await gateway.AskAsync(stream: false));
        var line = Assert.Single(await gateway.StopAsync());

        Assert.Equal("refused_by_engine", Text(line, "outcome"));
        Assert.Equal("r1", Text(line, "replica"));
    }

    [Fact]
    public async Task A_client_that_leaves_has_one_line_all_the_same()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        gateway.Engine.On(MessagesRoute, Script.Empty.Hang());
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        using var request = gateway.Message(stream: true);
        var asked = gateway.Http.SendAsync(request, leaving.Token);
        var received = await gateway.ReceivedAsync();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        Assert.Equal(ExchangeEnd.PeerGone, await received.Ended);
        var line = Assert.Single(await gateway.StopAsync());

        Assert.Equal("client_gone", Text(line, "outcome"));
        Assert.Equal(499, line.GetProperty("status").GetInt32());
        Assert.True(line.GetProperty("estimated").GetBoolean());
    }

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;
}
