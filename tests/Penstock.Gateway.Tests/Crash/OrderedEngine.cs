using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Crash;

/// <summary>What reached an engine: the gateway's id of the request, where, and what it was.</summary>
internal sealed record Arrival(string RequestId, string Replica, Order Order);

/// <summary>An engine that outlives the gateway, does what each order says, and counts all that came.</summary>
internal sealed class OrderedEngine : IAsyncDisposable
{
    private readonly string _name;
    private readonly bool _isFirst;
    private readonly ScriptedEngine _engine = Personality.Vllm.Start(new EngineFacts { Model = Order.Model });
    private readonly Func<ReceivedRequest, Script> _probed;

    public OrderedEngine(string name, bool isFirst)
    {
        _name = name;
        _isFirst = isFirst;
        _probed = _ => Script.Reply(400, """{"error":{"message":"Field required","type":"Bad Request","code":400}}""");
        _engine.On("POST /v1/messages", Answer);
        _engine.On("POST /v1/chat/completions", Answer);
    }

    public Uri Url => _engine.Url;

    /// <summary>Everything that arrived with an order, in its order.</summary>
    public IReadOnlyList<Arrival> Arrivals =>
    [
        .. _engine.Requests
            .Select(r => (Id: r.Header("x-request-id"), Order: Order.In(r.BodyText), r.BodyTruncated))
            .Where(r => r.Order is not null && !r.BodyTruncated)
            .Select(r => new Arrival(r.Id ?? "none", _name, r.Order!)),
    ];

    /// <summary>Completes once so many requests of any kind have come.</summary>
    public Task WhenRequestsAsync(int count, CancellationToken cancel) =>
        _engine.WhenAsync(() => _engine.Requests.Count >= count, cancel);

    public int RequestCount => _engine.Requests.Count;

    public Task WhenNobodyIsConnectedAsync(CancellationToken cancel) => _engine.WhenNoConnectionIsOpenAsync(cancel);

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    private Script Answer(ReceivedRequest request)
    {
        if (Order.In(request.BodyText) is not { } order)
        {
            return _probed(request);
        }

        var fails = order.Fate == Fate.FailsEverywhere || (order.Fate == Fate.FailsOnFirst && _isFirst);
        return fails ? Script.Reply(500, """{"error":{"message":"out of luck","type":"server_error","code":500}}""")
            : order.Fate == Fate.Refused
                ? Script.Reply(400, """{"error":{"message":"no such thing","type":"BadRequestError","code":400}}""")
            : order.Fate == Fate.HeldBefore ? Script.Empty.Hang()
            : Whole(order);
    }

    private static Script Whole(Order order)
    {
        var whole = order.Stream ? Script.Events(Events(order)) : Script.Reply(200, Reply(order));
        return order.Fate == Fate.Answered || order.Fate == Fate.FailsOnFirst
            ? whole
            : whole.CutAfter(whole.AllBytes().Length - 40, new ScriptStep.Hang());
    }

    private static string Reply(Order order) => order.Dialect == Dialect.Anthropic
        ? $$"""
          {"id":"msg_{{order.Number}}","type":"message","role":"assistant","model":"{{Order.Model}}",
          "content":[{"type":"text","text":"done"}],"stop_reason":"end_turn","stop_sequence":null,
          "usage":{{MessageUsage(order, order.Tokens.Output)}}}
          """
        : $$"""
          {"id":"chatcmpl-{{order.Number}}","object":"chat.completion","created":1795000000,"model":"{{Order.Model}}",
          "choices":[{"index":0,"message":{"role":"assistant","content":"done"},"finish_reason":"stop"}],
          "usage":{{ChatUsage(order)}}}
          """;

    private static IEnumerable<string> Events(Order order) =>
        order.Dialect == Dialect.Anthropic ? MessageEvents(order) : ChatEvents(order);

    private static IEnumerable<string> MessageEvents(Order order)
    {
        yield return Event("message_start", $$$"""
            {"type":"message_start","message":{"id":"msg_{{{order.Number}}}","type":"message","role":"assistant",
            "model":"{{{Order.Model}}}","content":[],"stop_reason":null,"stop_sequence":null,
            "usage":{{{MessageUsage(order, 1)}}}}}
            """);
        yield return Event(
            "content_block_start",
            """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""");
        for (var i = 0; i < 5; i++)
        {
            yield return Event(
                "content_block_delta",
                """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"piece "}}""");
        }

        yield return Event("content_block_stop", """{"type":"content_block_stop","index":0}""");
        yield return Event("message_delta", $$$"""
            {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},
            "usage":{"output_tokens":{{{order.Tokens.Output}}}}}
            """);
        yield return Event("message_stop", """{"type":"message_stop"}""");
    }

    private static IEnumerable<string> ChatEvents(Order order)
    {
        var head = $$"""
            {"id":"chatcmpl-{{order.Number}}","object":"chat.completion.chunk","created":1795000000,
            "model":"{{Order.Model}}"
            """;
        for (var i = 0; i < 5; i++)
        {
            yield return Data(
                head + ""","choices":[{"index":0,"delta":{"content":"piece "},"finish_reason":null}],"usage":null}""");
        }

        yield return Data(head + ""","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}""");
        yield return Data(head + ",\"choices\":[],\"usage\":" + ChatUsage(order) + "}");
        yield return Data("[DONE]");
    }

    private static string MessageUsage(Order order, int output) => $$"""
        {"input_tokens":{{order.Tokens.Prompt - order.Tokens.Cached}},"cache_creation_input_tokens":0,
        "cache_read_input_tokens":{{order.Tokens.Cached}},"output_tokens":{{output}}}
        """;

    private static string ChatUsage(Order order) => $$$"""
        {"prompt_tokens":{{{order.Tokens.Prompt}}},"completion_tokens":{{{order.Tokens.Output}}},
        "total_tokens":{{{order.Tokens.Prompt + order.Tokens.Output}}},
        "prompt_tokens_details":{"cached_tokens":{{{order.Tokens.Cached}}}}}
        """;

    private static string Event(string name, string data) => $"event: {name}\n{Data(data)}";

    private static string Data(string data) => $"data: {CannedAnswers.OneLine(data)}\n\n";
}
