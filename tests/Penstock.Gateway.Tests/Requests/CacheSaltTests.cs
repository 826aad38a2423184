using Penstock.Core.Config;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>What a client keeps its cached prompts apart by, in pools that know prompts by the engine's tokens.
/// </summary>
public class CacheSaltTests
{
    private static readonly string s_deep =
        string.Concat(Enumerable.Repeat("{\"a\":", 120)) + "1" + new string('}', 120);

    private static readonly string s_tokens = $$"""{"tokens":[{{string.Join(',', Enumerable.Range(1, 64))}}]}""";

    [Fact]
    public async Task Prompts_of_one_salt_share_a_cache_and_others_do_not_however_deep_the_body()
    {
        await using var engine = Engine();
        await using var gateway = await StartAsync(engine);
        Assert.Equal(0, await PredictedAsync(gateway, "\"cache_salt\":\"s\","));
        Assert.True(await PredictedAsync(gateway, "\"cache_salt\":\"s\",\"user\":\"u\",") >= 48);
        Assert.True(await PredictedAsync(gateway, "\"cache_salt\":\"t\",\"cache_salt\":\"\\u0073\",") >= 48);
        Assert.Equal(0, await PredictedAsync(gateway, "\"cache_salt\":\"t\","));
        Assert.Equal(0, await PredictedAsync(gateway, ""));
    }

    [Fact]
    public async Task A_salt_whose_name_is_written_with_escapes_is_one()
    {
        await using var engine = Engine();
        await using var gateway = await StartAsync(engine);
        Assert.Equal(0, await PredictedAsync(gateway, "\"cache_salt\":\"s\","));
        Assert.True(await PredictedAsync(gateway, "\"cache\\u005fsalt\":\"s\",") >= 48);
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("7")]
    [InlineData("null")]
    [InlineData("{\"cache_salt\":[]}")]
    public async Task A_salt_that_is_no_text_is_for_the_engine_to_judge(string salt)
    {
        await using var engine = Engine();
        await using var gateway = await StartAsync(engine);
        await PredictedAsync(gateway, $"\"cache_salt\":{salt},");
        Assert.Contains(salt, engine.To("POST /v1/chat/completions").Last().BodyText);
    }

    private static ScriptedEngine Engine()
    {
        var engine = Personality.Vllm.Start();
        var usual = engine.AnswerTo("POST /tokenize");
        return engine.On("POST /tokenize", r => r.Body.Length == 0 ? usual(r) : Script.Reply(200, s_tokens));
    }

    private static Task<RunningGateway> StartAsync(ScriptedEngine engine) => RunningGateway.StartAsync(
        d => d with
        {
            Pools = [d.Pools[0] with { PrefixKeys = KnownNames.KeysTokens }],
            Routing = d.Routing with { CacheScope = KnownNames.ScopeAll },
        },
        engine);

    private static async Task<long> PredictedAsync(RunningGateway gateway, string member)
    {
        var answer = await gateway.AskAsync(
            Bodies.Chat,
            $$"""
            {"model":"{{RunningGateway.Model}}","max_tokens":8,
            "tools":[{"type":"function","function":{"name":"f","parameters":{{s_deep}} } }],{{member}}
            "messages":[{"role":"user","content":"hi"}]}
            """);
        Assert.Equal(200, answer.Status);
        return (await gateway.DecisionsAsync())[^1].GetProperty("predicted_cached_tokens").GetInt64();
    }
}
