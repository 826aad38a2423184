using Penstock.Core.Config;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Requests;

/// <summary>Who is believed to find whose prefix in a cache.</summary>
public class CacheScopeTests
{
    private const string Other = "sk-penstock-test-2";

    [Theory]
    [InlineData("org", "a", "one", "b", "one", false)]
    [InlineData("org", "a", "one", "a", "two", true)]
    [InlineData("workspace", "a", "one", "a", "two", false)]
    [InlineData("workspace", "a", "one", "a", "one", true)]
    [InlineData("workspace", "a", "one", "b", "one", false)]
    [InlineData("all", "a", "one", "b", "two", true)]
    public async Task A_prefix_is_shared_within_the_configured_scope(
        string scope, string org, string workspace, string otherOrg, string otherWorkspace, bool shared)
    {
        await using var engine = Personality.Vllm.Start(new EngineFacts { InputTokens = 500 });
        await using var gateway = await RunningGateway.StartAsync(
            d => d with
            {
                Routing = d.Routing with { CacheScope = scope },
                Keys =
                [
                    d.Keys[0] with { Org = org, Workspace = workspace },
                    Key(otherOrg, otherWorkspace),
                ],
            },
            engine);
        Assert.Equal(200, (await AskAsync(gateway, RunningGateway.Key)).Status);
        Assert.Equal(200, (await AskAsync(gateway, Other)).Status);
        var decisions = await gateway.DecisionsAsync();
        Assert.Equal([0, shared ? 1 : 0], decisions.Select(d => Math.Min(1, Predicted(d))));
    }

    [Fact]
    public async Task Models_that_an_engine_knows_apart_share_nothing()
    {
        // The pool names no model of the engine's, so the alias goes there as it is and may be an adapter.
        await using var engine = Personality.Vllm.Start(new EngineFacts { InputTokens = 500 });
        await using var gateway = await RunningGateway.StartAsync(engine);
        Assert.Equal(200, (await AskAsync(gateway, RunningGateway.Key)).Status);
        Assert.Equal(200, (await AskAsync(gateway, RunningGateway.Key, "alias")).Status);
        Assert.Equal(200, (await AskAsync(gateway, RunningGateway.Key, "alias")).Status);
        Assert.Equal([0, 0, 1], (await gateway.DecisionsAsync()).Select(d => Math.Min(1, Predicted(d))));
    }

    [Theory]
    [InlineData("\"cache_salt\":\"a\",", "\"cache_salt\":\"b\",", 0)]
    [InlineData("\"cache_salt\":\"a\",", "\"cache_salt\":\"a\",", 1)]
    [InlineData("\"prompt_logprobs\":1,", "\"prompt_logprobs\":1,", 0)]
    public async Task What_keeps_an_engine_from_finding_a_prefix_keeps_it_from_being_predicted(
        string first, string second, int predicted)
    {
        await using var engine = Personality.Vllm.Start(new EngineFacts { InputTokens = 500 });
        await using var gateway = await RunningGateway.StartAsync(engine);
        Assert.Equal(200, (await AskAsync(gateway, RunningGateway.Key, members: first)).Status);
        Assert.Equal(200, (await AskAsync(gateway, RunningGateway.Key, members: second)).Status);
        Assert.Equal([0, predicted], (await gateway.DecisionsAsync()).Select(d => Math.Min(1, Predicted(d))));
    }

    private static KeyConfig Key(string org, string workspace) => new()
    {
        Id = "k2",
        Org = org,
        Workspace = workspace,
        Secret = new KeySecretConfig { Sha256 = RunningGateway.Sha256(Other) },
    };

    private static Task<Answer> AskAsync(
        RunningGateway gateway, string key, string model = RunningGateway.Model, string members = "")
    {
        gateway.Client.DefaultRequestHeaders.Remove("x-api-key");
        gateway.Client.DefaultRequestHeaders.Add("x-api-key", key);
        var text = string.Join(' ', Enumerable.Range(0, 400));
        return gateway.AskAsync(
            Bodies.Messages,
            $$"""{"model":"{{model}}","max_tokens":9,{{members}}"messages":[{"role":"user","content":"{{text}}"}]}""");
    }

    private static long Predicted(System.Text.Json.JsonElement decision) =>
        decision.GetProperty("attempts").GetArrayLength() == 0 ? -1
            : decision.GetProperty("predicted_cached_tokens").GetInt64();
}
