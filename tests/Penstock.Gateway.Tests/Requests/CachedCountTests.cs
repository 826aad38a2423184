using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>What answers say of cached tokens, and what it means where they say nothing.</summary>
public class CachedCountTests
{
    private static readonly string Prompt = string.Join(' ', Enumerable.Range(0, 400));

    [Fact]
    public async Task An_engine_that_counts_no_cached_tokens_is_not_taken_for_one_that_found_none()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On("POST /v1/chat/completions", Answer("null"));
        await AskAsync(gateway, times: 8);
        Assert.Equal("trusted", Trust(await gateway.AdminAsync("/admin/fleet")));
        var last = (await gateway.DecisionsAsync())[^1];
        Assert.InRange(last.GetProperty("predicted_cached_tokens").GetInt64(), 300, 500);
    }

    [Fact]
    public async Task An_engine_that_counted_once_found_none_where_it_leaves_the_count_out()
    {
        await using var engine = Personality.Vllm.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        engine.On("POST /v1/chat/completions", Answer("""{"cached_tokens":2}"""));
        await AskAsync(gateway, times: 1);
        engine.On("POST /v1/chat/completions", Answer("null"));
        await AskAsync(gateway, times: 8);
        Assert.NotEqual("trusted", Trust(await gateway.AdminAsync("/admin/fleet")));
    }

    private static Script Answer(string details) => Script.Reply(
        200,
        $$$"""
        {"id":"chatcmpl-1","object":"chat.completion","created":1795000000,"model":"m",
        "choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":500,"completion_tokens":2,"total_tokens":502,"prompt_tokens_details":{{{details}}}}}
        """);

    private static async Task AskAsync(RunningGateway gateway, int times)
    {
        for (var i = 0; i < times; i++)
        {
            var answer = await gateway.AskAsync(
                Bodies.Chat,
                $$"""{"model":"{{RunningGateway.Model}}","messages":[{"role":"user","content":"{{Prompt}}"}]}""");
            Assert.Equal(200, answer.Status);
            await gateway.WhenIdleAsync();
        }
    }

    private static string Trust(System.Text.Json.JsonElement fleet) => Assert.Single(RunningGateway.Replicas(fleet))
        .GetProperty("cache").GetProperty("trust").GetString()!;
}
