using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Core.Config;
using Penstock.Gateway.Tests.Requests;
using Penstock.Gateway.Tests.SimulatedEngine;
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
    public async Task An_anthropic_body_is_known_by_the_tokens_of_its_engine(SimulatedEngineKind kind, KvDialect dialect)
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
        var llama = EngineServer.Options with { Kind = SimulatedEngineKind.LlamaCpp, KvTokens = 16_384, Slots = 2 };
        await using var fleet = await EventedFleet.StartAsync([llama], Tokens);
        await fleet.WhenAsync(f => RunningGateway.Replicas(f).First().GetProperty("engine").GetString() == "llama.cpp");
        var body = EventedFleet.Chat(EventedFleet.Words("a story", 300));
        await fleet.Gateway.AskAsync("/v1/chat/completions", body);
        var answer = await fleet.Gateway.AskAsync("/v1/chat/completions", body);
        var decision = (await fleet.Gateway.DecisionsAsync())[^1];
        Assert.Equal(
            answer.Json().GetProperty("usage").GetProperty("prompt_tokens").GetInt64(),
            decision.GetProperty("prompt_tokens").GetInt64());
        Assert.True(decision.GetProperty("predicted_cached_tokens").GetInt64() > 256);
        var candidate = Assert.Single(decision.GetProperty("candidates").EnumerateArray());
        Assert.Equal("none", candidate.GetProperty("cache_events").GetString());
        Assert.Equal(JsonValueKind.Null, candidate.GetProperty("cache_event_age_ms").ValueKind);
    }

    private static PoolConfig Tokens(PoolConfig pool) => pool with { PrefixKeys = KnownNames.KeysTokens };
}
