using System.Text;
using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>Engines that are torn, slow, truncated, oversized or lie: every adapter says so and goes on.</summary>
public class AdapterFaultTests
{
    private static readonly Dictionary<string, Script> Faults = new()
    {
        ["torn head"] = Script.Empty.Send("HTTP/1.1 200 O").Close(),
        ["reset"] = Script.Empty.Send("HTTP/1.1 200 OK\r\n").Reset(),
        ["closed without a word"] = Script.Empty.Close(),
        ["garbage"] = Script.Empty.Send("\u0000\u0001 what is this\r\n\r\n").Close(),
        ["body shorter than said"] = Script.Empty.Send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc").Close(),
        ["chunk that never ends"] = Script.Empty
            .Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc").Close(),
        ["chunk of nonsense"] = Script.Empty
            .Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n").Close(),
        ["body larger than allowed"] = Script.Reply(200, new string(' ', Wires.BodyBytesMax + 1)),
        ["endless body"] = Endless(),
        ["head larger than allowed"] = Script.Reply(200, "{}", headers: $"x: {new string('a', 100_000)}\r\n"),
        ["web page"] = Script.Reply(200, " <!DOCTYPE html><html></html>", "text/html"),
        ["redirect"] = Script.Reply(302, "", headers: "location: /elsewhere\r\n"),
        ["server error"] = Script.Reply(500, "Internal Server Error", "text/plain"),
    };

    public static MatrixTheoryData<string, string> KindsAndFaults => new(Wires.Kinds.Select(k => k.Data), Faults.Keys);

    public static TheoryData<string> Kinds => Wires.Kinds;

    [Theory, MemberData(nameof(KindsAndFaults))]
    public async Task A_faulty_health_page_is_a_failed_probe_and_the_next_good_one_succeeds(string kind, string fault)
    {
        await using var engine = Wires.Kind(kind).Start();
        using var client = Wires.Client();
        engine.On(Wires.HealthRoute(kind), Faults[fault]);
        Assert.Equal(HealthSignal.ProbeFailed, await AdapterConformanceTests.HealthAsync(kind, client, engine));
        Wires.Kind(kind).Install(engine, new EngineFacts());
        Assert.Equal(HealthSignal.ProbeSucceeded, await AdapterConformanceTests.HealthAsync(kind, client, engine));
    }

    [Theory, MemberData(nameof(KindsAndFaults))]
    public async Task A_faulty_load_page_tells_nothing(string kind, string fault)
    {
        await using var engine = Wires.Kind(kind).Start();
        using var client = Wires.Client();
        var adapter = Wires.Adapter(kind);
        var endpoint = new EngineEndpoint(engine.Url);
        var identity = (await adapter.ProbeAsync(client, endpoint, Wires.Guard))!;
        engine.On(Wires.LoadRoute(kind), Faults[fault]);
        Assert.Null(await adapter.ReadLoadAsync(client, endpoint, identity, Wires.Guard));
    }

    [Theory, MemberData(nameof(KindsAndFaults))]
    public async Task A_faulty_engine_is_not_recognised_and_the_reason_names_its_address(string kind, string fault)
    {
        await using var engine = new ScriptedEngine { Otherwise = _ => Faults[fault] };
        using var client = Wires.Client();
        var result = await EngineProbe.IdentifyAsync(client, new(engine.Url), kind, Wires.Guard);
        Assert.Null(result.Identity);
        Assert.Contains(engine.Url.Authority, result.Reason);
        Assert.Equal(HealthSignal.ProbeFailed, result.Signal);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task An_answer_that_comes_a_byte_at_a_time_is_as_good_as_any(string kind)
    {
        await using var engine = Wires.Kind(kind).Start();
        var route = Wires.HealthRoute(kind);
        using var client = Wires.Client();
        await AdapterConformanceTests.HealthAsync(kind, client, engine);
        engine.On(route, engine.ScriptFor(engine.Requests[^1]).InPieces());
        Assert.Equal(HealthSignal.ProbeSucceeded, await AdapterConformanceTests.HealthAsync(kind, client, engine));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Silence_ends_at_the_deadline_and_closes_the_connection(string kind)
    {
        var clock = new ManualClock();
        var gate = new Gate();
        await using var engine = Wires.Kind(kind).Start();
        engine.Once(Wires.HealthRoute(kind), Script.Empty.Send("HTTP/1.1 200 OK\r\n").Pass(gate));
        using var client = Wires.Client(clock);
        var health = AdapterConformanceTests.HealthAsync(kind, client, engine);
        await gate.Reached.WaitAsync(Wires.Guard);
        Assert.False(health.IsCompleted);
        clock.Advance(new EngineClientLimits().Call);
        Assert.Equal(HealthSignal.ProbeTimedOut, await health);
        var request = await engine.RequestAsync(Wires.HealthRoute(kind), Wires.Guard);
        Assert.Equal(ExchangeEnd.PeerGone, await request.Ended.WaitAsync(Wires.Guard));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task The_caller_can_give_up_at_any_time(string kind)
    {
        var gate = new Gate();
        await using var engine = Wires.Kind(kind).Start();
        engine.On(Wires.HealthRoute(kind), Script.Empty.Pass(gate));
        using var client = Wires.Client();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Wires.Guard);
        var health = Wires.Adapter(kind).CheckHealthAsync(client, new(engine.Url), cancel.Token);
        await gate.Reached.WaitAsync(Wires.Guard);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => health);
        await engine.WhenNoConnectionIsOpenAsync(Wires.Guard);
    }

    [Fact]
    public async Task Lies_about_load_are_as_if_nothing_was_told()
    {
        await using var engine = Personality.Vllm.Start();
        using var client = Wires.Client();
        var adapter = Wires.Adapter("vllm");
        var identity = (await adapter.ProbeAsync(client, new(engine.Url), Wires.Guard))!;
        engine.On("GET /metrics", Script.Reply(200, """
            vllm:num_requests_running -3
            vllm:num_requests_waiting NaN
            vllm:kv_cache_usage_perc 17.5
            vllm:prompt_tokens_total +Inf
            """, "text/plain"));
        var load = (await adapter.ReadLoadAsync(client, new(engine.Url), identity, Wires.Guard))!;
        Assert.Equal((null, null, null), (load.Running, load.Waiting, load.PromptTokensTotal));
        Assert.Equal(1.0, load.KvUsage);
    }

    [Fact]
    public async Task A_health_page_that_says_ok_and_means_loading_is_a_failed_probe()
    {
        await using var engine = Personality.LlamaCpp.Start();
        engine.On("GET /health", Script.Reply(200, """{"status":"loading model"}"""));
        using var client = Wires.Client();
        Assert.Equal(HealthSignal.ProbeFailed, await AdapterConformanceTests.HealthAsync("llamacpp", client, engine));
    }

    private static Script Endless()
    {
        var script = Script.Empty.Send(HttpBytes.ChunkedHead(200, "application/json"));
        var chunk = HttpBytes.Chunk(Encoding.ASCII.GetBytes(new string(' ', 16 * 1024)));
        return Enumerable.Range(0, 8).Aggregate(script, (s, _) => s.Send(chunk)).Hang();
    }
}
