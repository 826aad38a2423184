using Penstock.Core.Models;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>What fails before the first byte of an answer: another replica, or a clear refusal; booked once.</summary>
public class FailureTests
{
    private static readonly string Huge = $"HTTP/1.1 200 OK\r\nx: {new string('a', 100_000)}\r\n\r\n";

    private static readonly Dictionary<string, (Script Script, string Outcome)> Faults = new()
    {
        ["reset"] = (Script.Empty.Reset(), "engine_failed"),
        ["closed without a word"] = (Script.Empty.Close(), "engine_failed"),
        ["torn head"] = (Script.Empty.Send("HTTP/1.1 200 OK\r\ncontent-ty").Close(), "engine_failed"),
        ["garbage"] = (Script.Empty.Send("\u0000\u0001\u0002 nonsense\r\n\r\n").Close(), "engine_failed"),
        ["oversized head"] = (Script.Empty.Send(Huge).Close(), "engine_failed"),
        ["no body"] = (
            Script.Empty
                .Send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\n").Close(),
            "engine_failed"),
        ["500"] = (Script.Reply(500, "Internal Server Error", "text/plain"), "engine_failed"),
        ["502"] = (Script.Reply(502, "<html>"), "engine_failed"),
        ["503"] = (Script.Reply(503, """{"error":"down"}"""), "refused_by_engine"),
        ["529"] = (AnthropicPersonality.Error(529, "overloaded_error", "Overloaded"), "refused_by_engine"),
        ["429"] = (Script.Reply(429, """{"error":{"message":"slow down"}}"""), "refused_by_engine"),
        ["401"] = (Script.Reply(401, """{"error":"Unauthorized"}"""), "refused_by_engine"),
        ["redirect"] = (Script.Reply(302, "", headers: "location: /x\r\n"), "refused_by_engine"),
    };

    private static readonly Dictionary<string, (string Route, string Path, Dialect Dialect, bool Stream)> Kinds = new()
    {
        ["messages"] = ("POST /v1/messages", Bodies.Messages, Dialect.Anthropic, false),
        ["messages stream"] = ("POST /v1/messages", Bodies.Messages, Dialect.Anthropic, true),
        ["chat"] = ("POST /v1/chat/completions", Bodies.Chat, Dialect.OpenAiChat, false),
        ["chat stream"] = ("POST /v1/chat/completions", Bodies.Chat, Dialect.OpenAiChat, true),
    };

    public static MatrixTheoryData<string, string> FaultsAndKinds => new(Faults.Keys, Kinds.Keys);

    public static TheoryData<string> KindNames => [.. Kinds.Keys];

    /// <summary>
    /// Time that runs ahead of a probe may eject it again in between; the first and the last word stand.
    /// </summary>
    [Fact]
    public async Task A_replica_that_falls_ill_and_comes_back_is_news_in_the_log()
    {
        const string Gone = "Warning: replica main/r0 gets no more requests: it does not answer its health probes";
        const string Back = "Information: replica main/r0 is healthy again";
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On("GET /health", Script.Reply(500, ""));
        await gateway.WhenNewsAsync(Gone);
        engine.On("GET /health", Script.Reply(200, ""));
        await gateway.WhenNewsAsync(Back);
        var news = gateway.Faults.News.Where(n => n.Contains("main/r0")).ToArray();
        Assert.Equal(Gone, news[0]);
        Assert.Equal(
            ["Information: replica main/r0 answers again and gets a few requests to prove it", Back], news[^2..]);
    }

    [Theory, MemberData(nameof(FaultsAndKinds))]
    public async Task A_fault_before_the_first_byte_sends_the_request_to_another_replica(string fault, string kind)
    {
        var (route, path, dialect, stream) = Kinds[kind];
        await using var bad = Personality.Vllm.Start();
        await using var good = Personality.Vllm.Start(new EngineFacts { Answer = "from the good one" });
        await using var gateway = await RunningGateway.StartAsync(bad, good);
        bad.On(route, Faults[fault].Script);
        var answer = await gateway.AskAsync(path, Bodies.Of(dialect, stream));
        Assert.Equal(200, answer.Status);
        Assert.Contains("good", answer.Text);
        var retried = Assert.Single(await gateway.CloseBooksAsync());
        Assert.Equal([$"r0 {Faults[fault].Outcome}", "r1 completed"], retried.Story);
        Assert.Equal(retried.Story, retried.Booked);
        var failed = retried.Entries[0].Settlement!.Value;
        Assert.Equal((0, false), (failed.Usage.Prompt, failed.UsageIsEstimated));
    }

    [Fact]
    public async Task A_request_that_is_tried_again_shows_as_in_flight()
    {
        await using var bad = Personality.Vllm.Start();
        await using var good = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(bad, good);
        var gate = new Gate();
        bad.On("POST /v1/messages", Script.Reply(500, "no", "text/plain"));
        good.On("POST /v1/messages", Script.Empty.Pass(gate).Reset());
        var asked = gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false));
        await gate.Reached;
        var meanwhile = Assert.Single(await gateway.DecisionsAsync());
        gate.Open();
        await asked;
        Assert.Equal("in_flight", meanwhile.GetProperty("outcome").GetString());
        Assert.Equal(
            ["engine_failed", "in_flight"],
            meanwhile.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("outcome").GetString()));
        Assert.Equal("engine_failed", Assert.Single(await gateway.CloseBooksAsync()).Outcome);
    }

    [Fact]
    public async Task A_replica_that_speaks_no_known_dialect_gets_nothing_and_is_not_taken_for_ill()
    {
        await using var engine = Personality.Vllm.Start();
        engine.Without("POST /v1/messages").Without("POST /v1/chat/completions");
        await using var gateway = await RunningGateway.StartAsync(engine);
        for (var i = 0; i < 4; i++)
        {
            var answer = await gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false));
            Assert.Equal((529, "1"), (answer.Status, answer.Header("retry-after")));
        }

        Assert.DoesNotContain(engine.To("POST /v1/messages"), r => r.Body.Length > 0);
        var decision = (await gateway.DecisionsAsync())[0];
        var candidate = Assert.Single(decision.GetProperty("candidates").EnumerateArray());
        Assert.Equal("speaks no API that is known", candidate.GetProperty("why_not").GetString());
        var replica = RunningGateway.Replicas(await gateway.AdminAsync("/admin/fleet")).Single();
        Assert.Equal("healthy", replica.GetProperty("health").GetString());
        Assert.Contains(gateway.Faults.News, n => n.Contains("in no API that is known"));
        Assert.All(await gateway.CloseBooksAsync(), b => Assert.Equal([" no_replica"], b.Story));
    }

    [Theory, MemberData(nameof(KindNames))]
    public async Task A_replica_that_is_gone_is_passed_over(string kind)
    {
        var (_, path, dialect, stream) = Kinds[kind];
        var gone = Personality.Vllm.Start();
        await using var good = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(gone, good);
        await gone.DisposeAsync();
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(200, (await gateway.AskAsync(path, Bodies.Of(dialect, stream))).Status);
        }

        var books = await gateway.CloseBooksAsync();
        Assert.Contains(books, b => b.Story.Count == 2);
        Assert.All(books, b => Assert.Equal("r1 completed", b.Booked[^1]));
    }

    [Theory, MemberData(nameof(KindNames))]
    public async Task With_every_replica_gone_the_client_is_told_to_come_again(string kind)
    {
        var (_, path, dialect, stream) = Kinds[kind];
        var one = Personality.Vllm.Start();
        var two = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(one, two);
        await one.DisposeAsync();
        await two.DisposeAsync();
        for (var i = 0; i < 4; i++)
        {
            var answer = await gateway.AskAsync(path, Bodies.Of(dialect, stream));
            Assert.Equal(dialect == Dialect.Anthropic ? 529 : 503, answer.Status);
            Assert.Equal(dialect == Dialect.Anthropic ? "overloaded_error" : "server_error", answer.ErrorType);
            Assert.Equal("1", answer.Header("retry-after"));
        }

        var books = await gateway.CloseBooksAsync();
        Assert.Equal(["r0 not_reached", "r1 not_reached", " no_replica"], books[0].Story);
        Assert.Equal("no_replica", books[^1].Outcome);
        Assert.Equal([" no_replica"], books[^1].Story);
        Assert.Empty(books[^1].Entries);
    }

    [Theory]
    [InlineData(400, """{"type":"error","error":{"type":"invalid_request_error","message":"x: é"},"z": 1 }""")]
    [InlineData(413, """{"type":"error","error":{"type":"request_too_large","message":"too large"}}""")]
    [InlineData(404, """{"type":"error","error":{"type":"not_found_error","message":"model: nope"}}""")]
    [InlineData(422, "plain text")]
    public async Task What_the_client_did_wrong_is_relayed_byte_for_byte_and_not_tried_again(int status, string body)
    {
        await using var one = Personality.Vllm.Start();
        await using var two = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(one, two);
        foreach (var engine in new[] { one, two })
        {
            engine.On("POST /v1/messages", Script.Reply(status, body, headers: "request-id: req_e\r\nx-a: b\r\n"));
        }

        foreach (var stream in new[] { true, false })
        {
            var answer = await gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream));
            Assert.Equal((status, body), (answer.Status, answer.Text));
            Assert.Equal("req_e", answer.Header("request-id"));
            Assert.Equal("b", answer.Header("x-a"));
        }

        var books = await gateway.CloseBooksAsync();
        Assert.All(books, b => Assert.Equal("refused_by_engine", Assert.Single(b.Story).Split(' ')[1]));
        Assert.All(books, b => Assert.Equal(b.Story, b.Booked));
        Assert.All(books, b => Assert.Equal(0, b.Entries[0].Settlement!.Value.Usage.Prompt));
    }

    [Theory, MemberData(nameof(KindNames))]
    public async Task An_engine_that_refuses_the_gateways_key_is_not_shown_as_the_clients_fault(string kind)
    {
        var (route, path, dialect, stream) = Kinds[kind];
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On(route, Script.Reply(401, """{"error":"sk-engine is wrong"}"""));
        var answer = await gateway.AskAsync(path, Bodies.Of(dialect, stream));
        Assert.Equal(500, answer.Status);
        Assert.DoesNotContain("sk-engine", answer.Text);
    }

    [Fact]
    public async Task A_request_is_tried_no_more_often_than_allowed()
    {
        var engines = Enumerable.Range(0, 4).Select(_ => Personality.Vllm.Start()).ToArray();
        await using var gateway = await RunningGateway.StartAsync(
            d => d with { Routing = d.Routing with { AttemptsMax = 2 } }, engines);
        foreach (var engine in engines)
        {
            engine.On("POST /v1/messages", Script.Reply(500, "no", "text/plain"));
        }

        var answer = await gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false));
        Assert.Equal((500, "api_error"), (answer.Status, answer.ErrorType));
        var request = Assert.Single(await gateway.CloseBooksAsync());
        Assert.Equal(["r0 engine_failed", "r1 engine_failed"], request.Booked);
        foreach (var engine in engines)
        {
            await engine.DisposeAsync();
        }
    }

    [Fact]
    public async Task Retries_end_where_their_budget_does()
    {
        await using var one = Personality.Vllm.Start();
        await using var two = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(
            d => d with { Routing = d.Routing with { RetryBudget = 0 } }, one, two);
        one.On("POST /v1/messages", Script.Reply(529, "full", "text/plain"));
        two.On("POST /v1/messages", Script.Reply(529, "full", "text/plain"));
        for (var i = 0; i < 20; i++)
        {
            var answer = await gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: false));
            Assert.Equal(529, answer.Status);
        }

        // A reserve of ten, and nothing is earned.
        Assert.Equal(30, (await gateway.CloseBooksAsync()).Sum(b => b.Entries.Count));
    }

    [Fact]
    public async Task A_full_engine_says_when_to_come_again()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On("POST /v1/messages", Script.Reply(429, "{}", headers: "retry-after: 17\r\n"));
        var answer = await gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream: true));
        Assert.Equal((529, "17"), (answer.Status, answer.Header("retry-after")));
    }

    /// <summary>What ejects a replica has to be undone by what it does well.</summary>
    [Fact]
    public async Task A_replica_that_serves_well_in_between_is_not_ejected_for_a_failure_now_and_then()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        foreach (var stream in new[] { true, false })
        {
            for (var i = 0; i < 10; i++)
            {
                engine.Once("POST /v1/messages", Script.Reply(500, "no", "text/plain"));
                Assert.Equal(500, await StatusAsync(stream));
                Assert.Equal(200, await StatusAsync(stream));
                Assert.Equal(200, await StatusAsync(stream));
            }
        }

        async Task<int> StatusAsync(bool stream) =>
            (await gateway.AskAsync(Bodies.Messages, Bodies.Of(Dialect.Anthropic, stream))).Status;
    }
}
