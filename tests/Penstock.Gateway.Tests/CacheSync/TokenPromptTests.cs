using System.Buffers;
using System.Text;
using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Core.Config;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Gateway.Tests.Requests;
using Penstock.Gateway.Tests.SimulatedEngine;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>Prompts whose tokens an engine is asked for.</summary>
public sealed class TokenPromptTests
{
    private const string Tools = """
        [{"name":"read","description":"reads","input_schema":{"type":"object","properties":{"p":{"type":"string"}}}}]
        """;

    /// <summary>What another client put there as a chat is found for a body of the other dialect.</summary>
    [Theory]
    [InlineData(SimulatedEngineKind.Vllm, KvDialect.VllmMaps)]
    [InlineData(SimulatedEngineKind.Sglang, KvDialect.SglangArrays)]
    public async Task An_anthropic_body_is_known_by_the_tokens_of_its_engine(
        SimulatedEngineKind kind, KvDialect dialect)
    {
        await using var fleet = await EventedFleet.StartAsync([EventedFleet.Publisher(dialect, kind)], Tokens);
        await fleet.WhenAsync(f => EventedFleet.State(f) == "live");
        var story = EventedFleet.Words("a story", 300);
        var body = $$"""
            {"model":"m","max_tokens":8,"system":"be brief","tools":{{Tools}},
             "messages":[{"role":"user","content":[{"type":"text","text":"{{story}}"}]}]}
            """;
        await fleet.Gateway.AskAsync("/v1/messages", body);
        await fleet.WhenAsync(f => EventedFleet.Count(f, "blocks") >= 18);
        var answer = await fleet.Gateway.AskAsync("/v1/messages", body);
        Assert.Equal(200, answer.Status);
        var usage = answer.Json().GetProperty("usage");
        var cached = usage.GetProperty("cache_read_input_tokens").GetInt64();
        var decision = (await fleet.Gateway.DecisionsAsync())[^1];
        Assert.Equal(cached, decision.GetProperty("predicted_cached_tokens").GetInt64());
        Assert.Equal(
            cached + usage.GetProperty("input_tokens").GetInt64(), decision.GetProperty("prompt_tokens").GetInt64());
        Assert.True(cached > 280);

        // How old what was heard is, is part of the reasons.
        var candidate = Assert.Single(decision.GetProperty("candidates").EnumerateArray());
        Assert.Equal("live", candidate.GetProperty("cache_events").GetString());
        Assert.InRange(candidate.GetProperty("cache_event_age_ms").GetDouble(), 0, 60_000);
    }

    /// <summary>It has a template to apply and text to tokenize, in two questions.</summary>
    [Fact]
    public async Task A_llama_server_tells_tokens_in_two_steps()
    {
        await using var engine = new ScriptedEngine()
            .On("POST /apply-template", Script.Reply(200, """{"prompt":"<|user|>\"hi\"\n<|assistant|>"}"""))
            .On("POST /tokenize", Script.Reply(200, """{"tokens":[1,70000,3]}"""));
        const string Chat = """{"model":"m","messages":[{"role":"user","content":"\"hi\""}]}""";
        var ids = await IdsAsync(engine, Chat);
        Assert.Equal([1U, 70_000U, 3U], ids!);
        Assert.Equal(Chat, (await engine.RequestAsync("POST /apply-template", RunningGateway.Guard)).BodyText);
        var asked = JsonDocument.Parse((await engine.RequestAsync("POST /tokenize", RunningGateway.Guard)).BodyText);
        Assert.Equal("<|user|>\"hi\"\n<|assistant|>", asked.RootElement.GetProperty("content").GetString());
        Assert.True(asked.RootElement.GetProperty("add_special").GetBoolean());
        Assert.True(asked.RootElement.GetProperty("parse_special").GetBoolean());
    }

    [Theory]
    [InlineData("""{"error":"no"}""", """{"tokens":[1]}""")]
    [InlineData("""{"prompt":"p"}""", """{"tokens":[1,"x"]}""")]
    [InlineData("""{"prompt":"p"}""", "no json")]
    public async Task A_llama_server_that_answers_otherwise_tells_none(string template, string tokens)
    {
        await using var engine = new ScriptedEngine()
            .On("POST /apply-template", Script.Reply(200, template))
            .On("POST /tokenize", Script.Reply(200, tokens));
        Assert.Null(await IdsAsync(engine, "{}"));
    }

    private static async Task<uint[]?> IdsAsync(ScriptedEngine engine, string chat)
    {
        using var client = new EngineClient(TimeProvider.System);
        var ids = new ArrayBufferWriter<uint>();
        var adapter = EngineRegistry.All.First(a => a.Name == "llamacpp");
        var isTold = await adapter.ReadPromptAsync(
            client, new EngineEndpoint(engine.Url, null), Encoding.UTF8.GetBytes(chat), ids, RunningGateway.Guard);
        return isTold ? ids.WrittenSpan.ToArray() : null;
    }

    private static PoolConfig Tokens(PoolConfig pool) => pool with { PrefixKeys = KnownNames.KeysTokens };
}
