using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>What every adapter owes, whichever engine it speaks to.</summary>
public class AdapterConformanceTests
{
    public static TheoryData<string> Kinds => Wires.Kinds;

    public static TheoryData<string> KindsThatTellLoad => Wires.KindsThatTellLoad;

    [Theory, MemberData(nameof(Kinds))]
    public async Task Is_the_one_that_recognises_its_engine(string kind)
    {
        await using var engine = Wires.Kind(kind).Start(new EngineFacts { Model = "m1" });
        using var client = Wires.Client();
        var result = await EngineProbe.IdentifyAsync(client, new EngineEndpoint(engine.Url), null, Wires.Guard);
        Assert.Null(result.Reason);
        Assert.Equal(kind, result.Identity!.Adapter.Name);
        Assert.Equal("m1", Assert.Single(result.Identity.Models).Id);
        Assert.False(result.Identity.Simulated);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Never_starts_a_generation_to_find_out(string kind)
    {
        await using var engine = Wires.Kind(kind).Start();
        using var client = Wires.Client();
        await EngineProbe.IdentifyAsync(client, new EngineEndpoint(engine.Url), null, Wires.Guard);
        Assert.NotEmpty(engine.Requests);
        Assert.All(engine.Requests, r => Assert.Empty(r.Body));
        Assert.DoesNotContain(engine.Requests, r => r.Path.Contains("generate"));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Asks_for_each_page_at_most_once_per_form_of_credential(string kind)
    {
        await using var engine = Wires.Kind(kind).Start(new EngineFacts { Key = "k" });
        using var client = Wires.Client();
        await EngineProbe.IdentifyAsync(client, new EngineEndpoint(engine.Url, "k"), null, Wires.Guard);
        Assert.All(
            engine.Requests.GroupBy(r => (r.Method, r.Target, Bearer: r.Header("authorization") is null)),
            asked => Assert.Single(asked));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Finds_dialects_that_are_there_and_not_those_that_are_not(string kind)
    {
        await using var engine = Wires.Kind(kind).Start();
        using var client = Wires.Client();
        var adapter = Wires.Adapter(kind);
        var endpoint = new EngineEndpoint(engine.Url);
        var identity = (await adapter.ProbeAsync(client, endpoint, Wires.Guard))!;
        var messages = kind is not ("openai" or "trtllm");
        Assert.Equal(messages, identity.Can(EngineCapabilities.NativeMessages));
        Assert.Equal(messages, identity.Can(EngineCapabilities.CountTokens));
        Assert.Equal(kind != "anthropic", identity.Can(EngineCapabilities.NativeChat));
        Assert.Equal(
            messages ? "/v1/messages" : null,
            adapter.PathOf(EngineOperation.Messages, identity.Capabilities));
        if (kind is "vllm" or "sglang" or "llamacpp")
        {
            engine.Without("POST /v1/messages").Without("POST /v1/messages/count_tokens");
            var older = (await adapter.ProbeAsync(client, endpoint, Wires.Guard))!;
            Assert.False(older.Can(EngineCapabilities.NativeMessages));
            Assert.False(older.Can(EngineCapabilities.CountTokens));
            Assert.True(older.Can(EngineCapabilities.NativeChat));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Shows_its_key_in_the_form_that_the_engine_wants(string kind)
    {
        await using var engine = Wires.Kind(kind).Start(new EngineFacts { Key = "secret" });
        using var client = Wires.Client();
        var right = await EngineProbe.IdentifyAsync(client, new(engine.Url, "secret"), null, Wires.Guard);
        Assert.Equal(kind, right.Identity?.Adapter.Name);
        var wrong = await EngineProbe.IdentifyAsync(client, new(engine.Url, "wrong"), kind, Wires.Guard);
        Assert.Contains("refuses the key", wrong.Reason);
        Assert.DoesNotContain("wrong", wrong.Reason);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Says_that_a_simulated_engine_is_simulated(string kind)
    {
        if (kind == "anthropic")
        {
            return; // Its list has no owner to say so.
        }

        await using var engine = Wires.Kind(kind).Start(new EngineFacts { OwnedBy = "penstock-simulated" });
        using var client = Wires.Client();
        var result = await EngineProbe.IdentifyAsync(client, new(engine.Url), null, Wires.Guard);
        Assert.Equal(kind, result.Identity!.Adapter.Name);
        Assert.True(result.Identity.Simulated);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Tells_a_well_engine_from_one_that_is_not(string kind)
    {
        var facts = new EngineFacts();
        await using var engine = Wires.Kind(kind).Start(facts);
        using var client = Wires.Client();
        Assert.Equal(HealthSignal.ProbeSucceeded, await HealthAsync(kind, client, engine));
        facts.Healthy = false;
        Assert.Equal(HealthSignal.ProbeFailed, await HealthAsync(kind, client, engine));
    }

    [Theory, MemberData(nameof(KindsThatTellLoad))]
    public async Task Reads_the_load_that_the_engine_tells(string kind)
    {
        var facts = new EngineFacts { Running = 3, Waiting = 5, KvUsage = 0.25 };
        await using var engine = Wires.Kind(kind).Start(facts);
        using var client = Wires.Client();
        var adapter = Wires.Adapter(kind);
        var endpoint = new EngineEndpoint(engine.Url);
        var identity = (await adapter.ProbeAsync(client, endpoint, Wires.Guard))!;
        var load = (await adapter.ReadLoadAsync(client, endpoint, identity, Wires.Guard))!;
        Assert.Equal((3, 5), (load.Running, load.Waiting));
        Assert.False(load.IsIdle);
        Assert.Equal(kind == "llamacpp" ? null : 0.25, load.KvUsage);
        Assert.Equal(kind == "llamacpp" ? 4 * 32_768 : 16_000, load.KvTokens);
        facts.Running = facts.Waiting = 0;
        Assert.True((await adapter.ReadLoadAsync(client, endpoint, identity, Wires.Guard))!.IsIdle);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Leaves_no_connection_open(string kind)
    {
        await using var engine = Wires.Kind(kind).Start();
        using (var client = Wires.Client())
        {
            await EngineProbe.IdentifyAsync(client, new(engine.Url), null, Wires.Guard);
            Assert.NotEqual(0, engine.AcceptedConnections);
        }

        await engine.WhenNoConnectionIsOpenAsync(Wires.Guard);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Knows_a_dead_address_from_a_silent_one_and_a_strange_one(string kind)
    {
        var clock = new ManualClock();
        using var client = Wires.Client(clock);
        Uri free;
        await using (var gone = new ScriptedEngine())
        {
            free = gone.Url;
        }

        var dead = await EngineProbe.IdentifyAsync(client, new(free), kind, Wires.Guard);
        Assert.StartsWith("nothing is listening at http://127.0.0.1:", dead.Reason);
        Assert.Equal(HealthSignal.ConnectFailed, dead.Signal);

        await using var strange = new ScriptedEngine();
        var unknown = await EngineProbe.IdentifyAsync(client, new(strange.Url), kind, Wires.Guard);
        Assert.Contains("answers, but none of the known APIs", unknown.Reason);
        Assert.Equal(HealthSignal.ProbeFailed, unknown.Signal);
    }

    internal static Task<HealthSignal> HealthAsync(string kind, EngineClient client, ScriptedEngine engine) =>
        Wires.Adapter(kind).CheckHealthAsync(client, new EngineEndpoint(engine.Url), Wires.Guard);
}
