using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Tests.Requests;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>Two gateways over the same engines decide by what the other one did.</summary>
public class SharedFleetTests
{
    [Fact]
    public async Task A_prompt_that_one_routed_is_known_to_the_other()
    {
        await using var fleet = await TwoGateways.StartAsync("penstock");
        Assert.Equal(200, (await fleet.First.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var used = (await fleet.First.DecisionsAsync()).Single().GetProperty("replica").GetString();
        await fleet.PassTimeUntilAsync(
            async () => Remembered(await fleet.Second.AdminAsync("/admin/fleet"), used!) > 0);
        Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var decision = (await fleet.Second.DecisionsAsync()).Single();
        Assert.Equal(used, decision.GetProperty("replica").GetString());
        Assert.True(decision.GetProperty("predicted_cached_tokens").GetInt64() > 100);
    }

    [Fact]
    public async Task What_one_has_in_flight_counts_for_the_other_until_it_ends_or_its_gateway_does()
    {
        await using var fleet = await TwoGateways.StartAsync("least-outstanding");
        var waiting = await fleet.HoldAsync();
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        }

        var decisions = await fleet.Second.DecisionsAsync();
        Assert.All(decisions, d => Assert.NotEqual(waiting.Replica, d.GetProperty("replica").GetString()));
        Assert.All(decisions, d => Assert.Equal(1, InFlight(d, waiting.Replica)));

        waiting.Response.Dispose();
        await fleet.First.WhenFleetAsync(RunningGateway.NothingInFlight);
        await fleet.PassTimeUntilAsync(async () =>
        {
            Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
            return InFlight((await fleet.Second.DecisionsAsync())[^1], waiting.Replica) == 0;
        });
    }

    /// <summary>Its state is new, and the other one says nothing again that did not change.</summary>
    [Fact]
    public async Task What_one_has_in_flight_counts_in_a_pool_that_the_other_had_to_begin_anew()
    {
        await using var fleet = await TwoGateways.StartAsync("least-outstanding");
        var waiting = await fleet.HoldAsync();
        Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        Assert.Equal(1, InFlight((await fleet.Second.DecisionsAsync())[^1], waiting.Replica));

        Change(fleet.Second, pool => pool with { Cache = new CacheConfig { CapacityTokens = 123_456 } });
        Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        Assert.Equal(1, InFlight((await fleet.Second.DecisionsAsync())[^1], waiting.Replica));
        waiting.Response.Dispose();
        await fleet.First.WhenFleetAsync(RunningGateway.NothingInFlight);
    }

    [Fact]
    public async Task What_one_has_in_flight_counts_at_a_replica_that_the_other_is_told_of_later()
    {
        await using var fleet = await TwoGateways.StartAsync("least-outstanding");
        var waiting = await fleet.HoldAsync();
        var all = fleet.Second.Source.Document.Pools[0].Replicas;
        Change(fleet.Second, pool => pool with { Replicas = [.. all.Where(r => r.Name != waiting.Replica)] });
        Change(fleet.Second, pool => pool with { Replicas = all });
        await fleet.Second.WhenFleetAsync(f => RunningGateway.Replicas(f).All(r =>
            r.GetProperty("engine").GetString() is not null && r.GetProperty("health").GetString() != "unknown"));
        Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        Assert.Equal(1, InFlight((await fleet.Second.DecisionsAsync())[^1], waiting.Replica));
        waiting.Response.Dispose();
        await fleet.First.WhenFleetAsync(RunningGateway.NothingInFlight);
    }

    /// <summary>As in the middle of a rollout: what one calls a prompt is nothing to the other.</summary>
    [Fact]
    public async Task Gateways_that_know_prompts_by_different_keys_tell_each_other_loads_and_no_prompts()
    {
        await using var fleet = await TwoGateways.StartAsync(
            "least-outstanding",
            d => d with { Routing = d.Routing with { CacheScope = KnownNames.ScopeAll } },
            d => d with { Pools = [d.Pools[0] with { PrefixKeys = KnownNames.KeysTokens }] });
        Assert.Equal(200, (await fleet.First.AskAsync(Bodies.Messages, LongPrompt)).Status);
        await PassOneLoadAsync(fleet);
        Assert.All(
            RunningGateway.Replicas(await fleet.Second.AdminAsync("/admin/fleet")),
            r => Assert.Equal(0, r.GetProperty("cache").GetProperty("remembered_blocks").GetInt64()));

        // Where both are configured alike again, the next prompt is told.
        Change(fleet.Second, pool => pool with { PrefixKeys = KnownNames.KeysBytes });
        Assert.Equal(200, (await fleet.First.AskAsync(Bodies.Messages, LongPrompt)).Status);
        await fleet.PassTimeUntilAsync(async () => RunningGateway
            .Replicas(await fleet.Second.AdminAsync("/admin/fleet"))
            .Any(r => r.GetProperty("cache").GetProperty("remembered_blocks").GetInt64() > 0));
    }

    [Fact]
    public async Task A_pool_whose_caches_are_shared_otherwise_begins_anew_and_takes_no_prompts_of_the_old_keys()
    {
        await using var fleet = await TwoGateways.StartAsync("least-outstanding");
        Assert.Equal(200, (await fleet.Second.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var document = fleet.Second.Source.Document;
        Assert.Empty(fleet.Second.Source.Apply(
            document with { Routing = document.Routing with { CacheScope = KnownNames.ScopeAll } },
            SecretReader.FromProcess(".").Read(document)));
        Assert.Equal(200, (await fleet.First.AskAsync(Bodies.Messages, LongPrompt)).Status);
        await PassOneLoadAsync(fleet);
        Assert.All(
            RunningGateway.Replicas(await fleet.Second.AdminAsync("/admin/fleet")),
            r => Assert.Equal(0, r.GetProperty("cache").GetProperty("remembered_blocks").GetInt64()));
    }

    /// <summary>A stream tells things in their order: when the end of a load has come, so has all before it.</summary>
    private static async Task PassOneLoadAsync(TwoGateways fleet)
    {
        var passing = await fleet.HoldAsync();
        passing.Response.Dispose();
        await fleet.First.WhenFleetAsync(RunningGateway.NothingInFlight);
        await fleet.WhenHeardAsync(inFlight: 0);
    }

    private static void Change(RunningGateway gateway, Func<PoolConfig, PoolConfig> change)
    {
        var document = gateway.Source.Document;
        document = document with { Pools = [change(document.Pools[0])] };
        Assert.Empty(gateway.Source.Apply(document, SecretReader.FromProcess(".").Read(document)));
    }

    private static string LongPrompt { get; } = $$"""
        {"model":"{{RunningGateway.Model}}","max_tokens":9,"messages":[{"role":"user","content":
        "{{string.Join(' ', Enumerable.Range(0, 600))}}"}]}
        """;

    private static long Remembered(JsonElement fleet, string replica) => RunningGateway.Replicas(fleet)
        .Single(r => r.GetProperty("name").GetString() == replica)
        .GetProperty("cache").GetProperty("remembered_blocks").GetInt64();

    /// <summary>Of that name there may be another, from before a reload, that takes nothing any more.</summary>
    private static long InFlight(JsonElement decision, string replica) =>
        decision.GetProperty("candidates").EnumerateArray()
            .Single(c => c.GetProperty("replica").GetString() == replica && c.GetProperty("eligible").GetBoolean())
            .GetProperty("in_flight").GetInt64();
}
