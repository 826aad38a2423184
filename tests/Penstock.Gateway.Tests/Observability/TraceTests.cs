using System.Text;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Observability;

public sealed class TraceTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string ParentId = "b7ad6b7169203331";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_engine_sees_the_clients_trace()
    {
        await using var gateway = await ObservedGateway.StartAsync();
        await AskAsync(gateway);
        var received = await gateway.ReceivedAsync();
        var parent = Assert.Single(received.Headers, h => h.Key.Equals("traceparent", StringComparison.OrdinalIgnoreCase));
        Assert.StartsWith($"00-{TraceId}-", parent.Value, StringComparison.Ordinal);
        Assert.Equal("vendor=1", received.Header("tracestate"));
    }

    [Fact]
    public async Task Spans_and_metrics_go_to_the_collector_over_http()
    {
        await using var collector = new ScriptedEngine();
        var taken = Script.Reply(200, "", "application/x-protobuf");
        collector.On("POST /v1/traces", taken).On("POST /v1/metrics", taken);
        await using var gateway = await ObservedGateway.StartAsync(otlp: collector.Url);
        await AskAsync(gateway);
        var received = await gateway.ReceivedAsync();
        var parent = received.Header("traceparent")!;
        var line = Assert.Single(await gateway.StopAsync());

        // What the engine saw is the gateway's own span, in the client's trace.
        Assert.StartsWith($"00-{TraceId}-", parent, StringComparison.Ordinal);
        Assert.DoesNotContain(ParentId, parent, StringComparison.Ordinal);
        Assert.Equal(TraceId, line.GetProperty("trace_id").GetString());
        var span = parent.Split('-')[2];

        // Other gateways of this process may export spans of theirs to their collectors, never to this one's page
        // of metrics; traces are told apart by id.
        var traces = All(collector, "POST /v1/traces");
        Assert.True(Contains(traces, Convert.FromHexString(TraceId)), "no span of the trace");
        Assert.True(Contains(traces, Convert.FromHexString(span)), "not the span that the engine saw");
        Assert.True(Contains(traces, Convert.FromHexString(ParentId)), "the span has no parent");
        foreach (var name in (string[])["chat test-model", "gen_ai.request.model", "gen_ai.usage.input_tokens",
            "penstock.decision_id", line.GetProperty("decision_id").GetString()!])
        {
            Assert.True(Contains(traces, Encoding.UTF8.GetBytes(name)), name);
        }

        Assert.False(Contains(traces, "the-secret-of-the-prompt"u8), "prompt text in a span");
        var metrics = All(collector, "POST /v1/metrics");
        Assert.True(Contains(metrics, "penstock.requests"u8));
        Assert.True(Contains(metrics, "gen_ai.server.request.duration"u8));
    }

    [Fact]
    public async Task A_collector_that_is_not_there_harms_nobody()
    {
        await using var gateway = await ObservedGateway.StartAsync(otlp: new Uri("http://127.0.0.1:9"));
        Assert.Equal(200, await gateway.AskAsync(stream: false));
        Assert.Single(await gateway.StopAsync());
    }

    private static async Task AskAsync(ObservedGateway gateway)
    {
        using var request = gateway.Message(stream: true);
        request.Headers.Add("traceparent", $"00-{TraceId}-{ParentId}-01");
        request.Headers.Add("tracestate", "vendor=1");
        using var answer = await gateway.Http.SendAsync(request, Cancel);
        _ = await answer.Content.ReadAsByteArrayAsync(Cancel);
        Assert.True(answer.IsSuccessStatusCode);
    }

    private static byte[] All(ScriptedEngine collector, string route) =>
        [.. collector.To(route).SelectMany(r => r.Body)];

    private static bool Contains(byte[] bytes, ReadOnlySpan<byte> part) => bytes.AsSpan().IndexOf(part) >= 0;
}
