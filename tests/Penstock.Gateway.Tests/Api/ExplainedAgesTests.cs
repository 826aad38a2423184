using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Gateway.Tests.Cluster;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Api;

/// <summary>A decision's reasons say how far what it was made from was believed, and how old it was.</summary>
public class ExplainedAgesTests
{
    private const string Variable = "PENSTOCK_TEST_EXPLAINED_SECRET";

    private static string LongPrompt { get; } = Bodies.Of(Dialect.Anthropic, stream: false)
        .Replace("Say hello", string.Concat(Enumerable.Repeat("Say hello. ", 300)), StringComparison.Ordinal);

    [Fact]
    public async Task The_age_of_what_an_engine_told_of_its_load_is_the_time_since_it_told()
    {
        var facts = new EngineFacts { Running = 3 };
        await using var engine = Personality.Vllm.Start(facts);
        await using var gateway = await RunningGateway.StartAsync(engine);
        Assert.Equal(JsonValueKind.Null, (await CandidateAsync(gateway)).GetProperty("load_age_ms").ValueKind);

        gateway.Clock.Advance(TimeSpan.FromSeconds(1));
        await gateway.WhenFleetAsync(
            f => RunningGateway.Replicas(f).Single().GetProperty("reported_running").GetInt32() == 3);
        gateway.Clock.Advance(TimeSpan.FromMilliseconds(40));
        Assert.InRange((await CandidateAsync(gateway)).GetProperty("load_age_ms").GetDouble(), 39.9, 40.1);
    }

    [Fact]
    public async Task The_age_of_what_another_gateway_told_is_the_time_since_it_told()
    {
        Environment.SetEnvironmentVariable(Variable, ClusterNode.Secret);
        await using var engine = Personality.Vllm.Start();
        await using var other = await ClusterNode.StartAsync("other", time: new ManualClock());
        await using var gateway = await RunningGateway.StartAsync(
            document => document with
            {
                // The other node's pool is called so.
                Pools = [document.Pools[0] with { Name = "p" }],
                Cluster = new ClusterConfig { Node = "me", Port = 0, Secret = new CredentialConfig { Env = Variable } },
            },
            engine);
        Assert.Equal(0, (await CandidateAsync(gateway)).GetProperty("peer_age_ms").GetDouble());
        var cluster = await gateway.AdminAsync("/admin/cluster");
        other.Pool.LoadChanged(0, 4, 0, 0);
        other.Room.List([new Uri(cluster.GetProperty("address").GetString()!)]);
        while (!cluster.GetProperty("peers").EnumerateArray().Any(p => p.GetProperty("in_flight").GetInt64() == 4))
        {
            cluster = await gateway.AdminAsync("/admin/cluster");
        }

        gateway.Clock.Advance(TimeSpan.FromMilliseconds(400));
        var candidate = await CandidateAsync(gateway);
        Assert.Equal(4, candidate.GetProperty("in_flight").GetInt64());
        Assert.InRange(candidate.GetProperty("peer_age_ms").GetDouble(), 399.9, 400.1);
    }

    [Fact]
    public async Task An_index_that_an_engine_contradicts_is_suspect_and_counts_for_less()
    {
        // Of every prompt it says that two tokens were found.
        await using var engine = Personality.Vllm.Start(new EngineFacts { InputTokens = 800 });
        await using var gateway = await RunningGateway.StartAsync(
            document => document with { Pools = [document.Pools[0] with { Policy = "penstock" }] }, engine);
        var seen = new List<JsonElement>();
        for (var i = 0; i < 3; i++)
        {
            seen.Add(await CandidateAsync(gateway));
            gateway.Clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.Equal(["trusted", "trusted", "suspect"], seen.Select(c => c.GetProperty("cache_trust").GetString()));
        Assert.Equal(Indexed(seen[1]), seen[1].GetProperty("matched_tokens").GetInt64());
        Assert.InRange(seen[2].GetProperty("matched_tokens").GetInt64(), 0, (Indexed(seen[2]) * 0.95) - 1);
    }

    private static long Indexed(JsonElement candidate) =>
        candidate.GetProperty("index_tokens").GetProperty("device").GetInt64();

    /// <summary>The one candidate of a decision that is made now.</summary>
    private static async Task<JsonElement> CandidateAsync(RunningGateway gateway)
    {
        Assert.Equal(200, (await gateway.AskAsync(Bodies.Messages, LongPrompt)).Status);
        var decision = (await gateway.DecisionsAsync())[^1];
        return Assert.Single(decision.GetProperty("candidates").EnumerateArray());
    }
}
