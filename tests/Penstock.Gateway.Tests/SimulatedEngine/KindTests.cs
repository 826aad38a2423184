using System.Net;
using System.Text.Json;
using Penstock.Cli.Engine;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Gateway.Tests.Engines;

namespace Penstock.Gateway.Tests.SimulatedEngine;

public sealed class KindTests
{
    private const string Story =
        """{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"tell me a long story, please"}]}""";

    [Theory]
    [InlineData(SimulatedEngineKind.Vllm, "vllm", 16, 524_288, null)]
    [InlineData(SimulatedEngineKind.Sglang, "sglang", 1, 524_288, 256)]
    [InlineData(SimulatedEngineKind.Trtllm, "trtllm", 32, 524_288, null)]
    [InlineData(SimulatedEngineKind.LlamaCpp, "llamacpp", null, 524_288, 4)]
    public async Task The_gateway_recognises_it(
        SimulatedEngineKind kind, string adapter, int? block, long tokens, int? slots)
    {
        await using var server = await EngineServer.StartAsync(EngineServer.Options with { Kind = kind });
        using var client = Wires.Client();
        var endpoint = new EngineEndpoint(server.Client.BaseAddress!);

        var found = (await EngineProbe.IdentifyAsync(client, endpoint, null, Wires.Guard)).Identity!;

        Assert.Equal(adapter, found.Adapter.Name);
        Assert.True(found.Simulated);
        Assert.Equal("m", Assert.Single(found.Models).Id);
        Assert.Equal(block, (int?)found.BlockTokens);
        Assert.Equal(tokens, found.KvTokens);
        Assert.Equal(slots, (int?)found.Slots);
        await server.JsonAsync("/v1/chat/completions", Story);
        Assert.NotNull(await found.Adapter.ReadLoadAsync(client, endpoint, found, Wires.Guard));
    }

    [Theory]
    [InlineData(SimulatedEngineKind.Vllm)]
    [InlineData(SimulatedEngineKind.Sglang)]
    [InlineData(SimulatedEngineKind.Trtllm)]
    [InlineData(SimulatedEngineKind.LlamaCpp)]
    public async Task A_page_asked_in_the_wrong_way_is_there_and_one_of_another_kind_is_not(SimulatedEngineKind kind)
    {
        await using var server = await EngineServer.StartAsync(EngineServer.Options with { Kind = kind });

        using var wrong = await server.PostAsync("/metrics", "{}");
        using var other = await server.PostAsync(
            kind == SimulatedEngineKind.Trtllm ? "/tokenize" : "/kv_cache_events", "{}");

        Assert.Equal(HttpStatusCode.MethodNotAllowed, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    [Fact]
    public async Task Sglang_shares_to_the_token_and_vllm_to_the_block()
    {
        foreach (var (kind, block) in new[] { (SimulatedEngineKind.Vllm, 16), (SimulatedEngineKind.Sglang, 1) })
        {
            await using var server = await EngineServer.StartAsync(EngineServer.Options with { Kind = kind });
            var prompt = (await server.JsonAsync("/v1/chat/completions", Story)).GetProperty("usage")
                .GetProperty("prompt_tokens").GetInt32();

            var second = await server.JsonAsync("/v1/chat/completions", Story);

            Assert.Equal((prompt - 1) / block * block, Cached(second));
        }
    }

    [Fact]
    public async Task Llamacpp_tells_slots_and_timings()
    {
        await using var server = await EngineServer.StartAsync(
            EngineServer.Options with { Kind = SimulatedEngineKind.LlamaCpp, Slots = 2, KvTokens = 8192 });
        var first = await server.JsonAsync("/v1/chat/completions", Story);
        var second = await server.JsonAsync("/v1/chat/completions", Story);

        var prompt = first.GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        var timings = second.GetProperty("timings");
        Assert.Equal(prompt - 1, timings.GetProperty("cache_n").GetInt32());
        Assert.Equal(1, timings.GetProperty("prompt_n").GetInt32());
        Assert.Equal(prompt - 1, Cached(second));
        var slots = JsonDocument.Parse(await server.TextAsync("/slots")).RootElement;
        Assert.Equal(2, slots.GetArrayLength());
        Assert.Equal(4096, slots[0].GetProperty("n_ctx").GetInt32());
        Assert.False(slots[0].GetProperty("is_processing").GetBoolean());
        var props = JsonDocument.Parse(await server.TextAsync("/props")).RootElement;
        Assert.Equal(2, props.GetProperty("total_slots").GetInt32());
    }

    [Fact]
    public async Task Trtllm_tells_each_event_once()
    {
        await using var server = await EngineServer.StartAsync(
            EngineServer.Options with { Kind = SimulatedEngineKind.Trtllm, BlockTokens = 4 });
        var answer = await server.JsonAsync("/v1/chat/completions", Story);

        var events = (await server.JsonAsync("/kv_cache_events", "")).EnumerateArray().ToList();

        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => e.GetProperty("event_id").GetInt32()));
        Assert.Equal("created", events[0].GetProperty("data").GetProperty("type").GetString());
        var usage = answer.GetProperty("usage");
        var stored = events.Skip(1).SelectMany(e => e.GetProperty("data").GetProperty("blocks").EnumerateArray());
        Assert.Equal((usage.GetProperty("total_tokens").GetInt32() - 1) / 4, stored.Count());
        Assert.All(stored, block => Assert.Equal(4, block.GetProperty("tokens").GetArrayLength()));
        Assert.Equal(0, (await server.JsonAsync("/kv_cache_events", "")).GetArrayLength());
    }

    [Fact]
    public async Task A_render_tells_the_tokens_that_the_engine_would_compute()
    {
        await using var server = await EngineServer.StartAsync();

        var chat = await server.JsonAsync("/v1/chat/completions/render", Story);
        var tokenized = await server.JsonAsync("/tokenize", Story);
        var completion = await server.JsonAsync("/v1/completions/render", """{"model":"m","prompt":"a b c"}""");
        var answer = await server.JsonAsync("/v1/chat/completions", Story);

        Assert.Equal(
            answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(),
            chat.GetProperty("token_ids").GetArrayLength());
        Assert.Equal(chat.GetProperty("token_ids").GetRawText(), tokenized.GetProperty("tokens").GetRawText());
        Assert.Equal(3, completion[0].GetProperty("token_ids").GetArrayLength());
        Assert.All(chat.GetProperty("token_ids").EnumerateArray(), token => Assert.True(token.TryGetUInt32(out _)));
    }

    private static int Cached(JsonElement answer) => answer.GetProperty("usage")
        .GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
}
