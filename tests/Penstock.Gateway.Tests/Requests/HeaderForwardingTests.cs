using System.Net;
using System.Text;
using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

public class HeaderForwardingTests
{
    private static readonly string Body = Bodies.Of(Dialect.Anthropic, stream: false);

    [Fact]
    public async Task Unknown_headers_and_hints_arrive_at_the_engine_and_hints_are_kept()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        (string, string)[] sent =
        [
            ("anthropic-version", "2026-10-21"), ("anthropic-beta", "a-2025-01-01,b"), ("anthropic-new-thing", "x y"),
            ("x-claude-code-session-id", "s-1"), ("x-claude-code-agent-id", "a;b=\"c\""),
            ("x-stainless-timeout", "600"), ("x-anything", "1"), ("user-agent", "claude-cli/2.1 (external)"),
            ("accept", "application/json"),
        ];
        await gateway.AskAsync(Bodies.Messages, Body, sent);
        var received = engine.To("POST /v1/messages").Last();
        Assert.All(sent, h => Assert.Equal(h.Item2, received.Header(h.Item1)));
        Assert.Equal("application/json", received.Header("content-type"));
        var hints = (await gateway.DecisionsAsync())[0].GetProperty("hints");
        Assert.Equal("s-1", hints.GetProperty("x-claude-code-session-id").GetString());
    }

    [Fact]
    public async Task Credentials_and_what_concerns_one_connection_stay_here()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        await using (var client = new RawClient(gateway.Url))
        {
            await client.SendAsync(
                $"POST {Bodies.Messages} HTTP/1.1\r\nhost: x\r\n"
                + $"x-api-key: {RunningGateway.Key}\r\nauthorization: Bearer secret\r\ncookie: a=b\r\n"
                + "proxy-authorization: Basic x\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: 5\r\n"
                + "te: trailers\r\nupgrade: websocket\r\nexpect: 100-continue\r\naccept-encoding: gzip, br\r\n"
                + $"x-kept: 2\r\ncontent-length: {Body.Length}\r\n\r\n{Body}");
            Assert.Equal(200, (await client.ReadAnswerAsync()).Status);
        }

        var received = engine.To("POST /v1/messages").Last();
        Assert.Equal("2", received.Header("x-kept"));
        foreach (var name in new[]
        {
            "x-api-key", "authorization", "cookie", "proxy-authorization", "connection", "x-hop", "keep-alive", "te",
            "upgrade", "expect", "accept-encoding", "transfer-encoding",
        })
        {
            Assert.True(received.Header(name) is null, $"{name} in {received.HeadText}");
        }

        Assert.Equal(engine.Url.Authority, received.Header("host"));
    }

    [Fact]
    public async Task Headers_of_the_engine_reach_the_client()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On("POST /v1/messages", Script.Reply(
            200, "{}", headers: "request-id: req_engine\r\nanthropic-organization-id: o\r\nx-should-retry: true\r\n"
                + "retry-after: 7\r\nx-many: 1\r\nx-many: 2\r\nconnection: x-own\r\nx-own: 1\r\nset-cookie: a=b\r\n"));
        using var response = await gateway.SendAsync(Bodies.Messages, Body);
        string[] Of(string name) => response.Headers.TryGetValues(name, out var values) ? [.. values] : [];
        Assert.Equal(["req_engine"], Of("request-id"));
        Assert.StartsWith("req_", Assert.Single(Of("penstock-request-id")));
        Assert.Equal(["o"], Of("anthropic-organization-id"));
        Assert.Equal(["true"], Of("x-should-retry"));
        Assert.Equal(["7"], Of("retry-after"));
        Assert.Equal(["1", "2"], Of("x-many"));
        Assert.Empty(Of("set-cookie"));
        Assert.Empty(Of("x-own"));
        Assert.Single(Of("penstock-decision-id"));
        Assert.Single(Of("penstock-overhead-ms"));
    }

    /// <summary>A header that only one side's HTTP library dislikes must not count as a fault of the engine.</summary>
    [Fact]
    public async Task Headers_beyond_ascii_pass_both_ways()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var answer = HttpBytes.Response(200, "{}", "application/json", "x-name: ?\r\n");
        answer[answer.AsSpan().IndexOf((byte)'?')] = 0xe9;
        engine.On("POST /v1/messages", Script.Empty.Send(answer));
        await using var client = new RawClient(gateway.Url);
        await client.SendAsync(Encoding.Latin1.GetBytes(
            $"POST {Bodies.Messages} HTTP/1.1\r\nhost: x\r\nx-api-key: {RunningGateway.Key}\r\nx-name: caf\u00e9\r\n"
            + $"content-length: {Body.Length}\r\n\r\n{Body}"));
        var received = await client.ReadAnswerAsync();
        Assert.Equal(200, received.Status);
        Assert.Contains("x-name: caf\u00e9\r\n", engine.To("POST /v1/messages").Last().HeadText);
        Assert.Equal("\u00e9", received.Header("x-name"));
        Assert.Equal(["r0 completed"], Assert.Single(await gateway.CloseBooksAsync()).Booked);
    }

    [Fact]
    public async Task The_engine_gets_its_own_key()
    {
        var facts = new EngineFacts { Key = "engine-key" };
        await using var engine = Personality.Anthropic.Start(facts);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, facts.Key, RunningGateway.Guard);
            await using var gateway = await RunningGateway.StartAsync(
                d => d with { Pools = [d.Pools[0] with { Credential = new() { File = file } }] }, engine);
            var answer = await gateway.AskAsync(Bodies.Messages, Body);
            Assert.Equal(HttpStatusCode.OK, (HttpStatusCode)answer.Status);
            Assert.Equal("2023-06-01", engine.To("POST /v1/messages").Last().Header("anthropic-version"));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
