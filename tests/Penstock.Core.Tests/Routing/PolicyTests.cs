using Penstock.Core.Config;
using Penstock.Core.Prefixes;
using Penstock.Core.Routing;
using Penstock.Repo.Tests;
using Penstock.Tests.Shared;

namespace Penstock.Core.Tests.Routing;

public class PolicyTests
{
    public static TheoryData<string> Policies => [.. RoutePolicies.Names];

    [Fact]
    public void The_names_are_sorted_and_those_of_the_configuration()
    {
        Assert.Equal(RoutePolicies.Names.Distinct().Order(StringComparer.Ordinal), RoutePolicies.Names);
        Assert.Equal(RoutePolicies.Names, KnownNames.Policies);
    }

    [Fact]
    public void Every_policy_is_on_the_pages_that_list_them()
    {
        var page = Repository.Read("src/Penstock.Core/Routing/Policies/README.md");
        Assert.All(RoutePolicies.Names, name => Assert.Contains($"| `{name}` |", page));
        var settings = Repository.Read("docs/configuration.md");
        Assert.All(RoutePolicies.Names, name => Assert.Contains($"`{name}`", settings));
        Assert.Equal(RoutePolicies.Names.Length, page.Split("\n| `").Length - 1);
    }

    [Fact]
    public void There_is_no_policy_of_another_name() => Assert.Null(RoutePolicies.Create("Cost"));

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_policy_is_created_under_its_own_name(string name)
    {
        Assert.Equal(name, RoutePolicies.Create(name)!.Name);
        Assert.NotSame(RoutePolicies.Create(name), RoutePolicies.Create(name));
        Assert.InRange(RoutePolicies.Create(name)!.TermNames.Length, 0, 7);
    }

    [Fact]
    public void Round_robin_takes_one_after_the_other()
    {
        var rig = new PoolRig("round-robin", 3);
        Assert.Equal([0, 1, 2, 0, 1, 2, 0], Take(rig, 7));
    }

    [Fact]
    public void Round_robin_gives_the_successor_of_a_dead_replica_no_double_share()
    {
        var rig = new PoolRig("round-robin", 4);
        rig.SetEligible(1, Ineligible.NotHealthy);
        Assert.Equal([0, 2, 3, 0, 2, 3, 0, 2, 3], Take(rig, 9));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Where_all_are_equal_each_gets_its_share(string policy)
    {
        // 5,000 draws of one in five: a standard deviation of 28; 150 is more than five of them.
        var counts = new PoolRig(policy, 5).Count(5_000);
        Assert.All(counts, count => Assert.InRange(count, 850, 1_150));
    }

    [Theory]
    [InlineData("aibrix-prefix")]
    [InlineData("chwbl")]
    [InlineData("chwbl-session")]
    [InlineData("penstock")]
    [InlineData("dynamo-kv")]
    [InlineData("gie-weighted")]
    [InlineData("least-outstanding")]
    [InlineData("least-tokens")]
    [InlineData("llmd-optimized")]
    [InlineData("llmd-optimized-lookahead")]
    [InlineData("llmd-precise")]
    [InlineData("llmd-weighted")]
    [InlineData("lmetric")]
    [InlineData("lmetric-dynamo")]
    [InlineData("mooncake")]
    [InlineData("preble")]
    [InlineData("ray-prefix")]
    [InlineData("sglang-cache-aware")]
    [InlineData("skywalker")]
    [InlineData("sticky-session")]
    [InlineData("trtllm-kv")]
    [InlineData("vllm-dp")]
    [InlineData("vps-kv")]
    [InlineData("vps-session")]
    public void Ties_go_to_all_who_tie_and_to_no_one_else(string policy)
    {
        var rig = new PoolRig(policy, 5);
        rig.SendTo(1);
        rig.SendTo(3);
        var counts = rig.Count(600);
        Assert.Equal([true, false, true, false, true], counts.Select(count => count > 100));
        Assert.Equal(0, counts[1] + counts[3]);
    }

    [Fact]
    public void Least_outstanding_counts_requests_not_tokens()
    {
        var rig = new PoolRig("least-outstanding", 2);
        rig.SendTo(0, tokens: 50_000);
        rig.SendTo(1, tokens: 10);
        rig.SendTo(1, tokens: 10);
        Assert.Equal(0, rig.Decide().Replica);
        Assert.Equal(1, rig.Candidates[0].Cost);
        Assert.Equal(2, rig.Candidates[1].Cost);
    }

    [Fact]
    public void Least_tokens_counts_tokens_not_requests()
    {
        var rig = new PoolRig("least-tokens", 2);
        rig.SendTo(0, tokens: 50_000);
        rig.SendTo(1, tokens: 10);
        rig.FirstToken(rig.SendTo(1, tokens: 20), 1);
        Assert.Equal(1, rig.Decide().Replica);
        Assert.Equal(10, rig.Candidates[1].Terms[0]);
        Assert.Equal(20 + 100, rig.Candidates[1].Terms[1]);
        Assert.Equal(130, rig.Candidates[1].Cost);
    }

    [Fact]
    public void Power_of_two_takes_the_emptier_of_two_draws()
    {
        var rig = new PoolRig("power-of-two", 4);
        for (var replica = 0; replica < 4; replica++)
        {
            for (var i = 0; i < replica; i++)
            {
                rig.SendTo(replica);
            }
        }

        // Of the six pairs of four replicas, n have replica n as the busier one: 0 wins 3, 1 wins 2, 2 wins 1.
        var counts = rig.Count(6_000);
        Assert.InRange(counts[0], 2_800, 3_200);
        Assert.InRange(counts[1], 1_800, 2_200);
        Assert.InRange(counts[2], 850, 1_150);
        Assert.Equal(0, counts[3]);
    }

    [Fact]
    public void Power_of_two_does_with_one_replica()
    {
        var rig = new PoolRig("power-of-two", 3);
        rig.SetEligible(0, Ineligible.Draining);
        Assert.Equal([0, 0, 20], rig.Count(20, tried: [1]));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Only_eligible_replicas_that_were_not_tried_are_chosen(string policy)
    {
        var rig = new PoolRig(policy, 6);
        rig.SetEligible(0, Ineligible.NotHealthy);
        rig.SetEligible(4, Ineligible.Draining);
        var counts = rig.Count(300, tried: [2, 5, 2]);
        Assert.Equal([false, true, false, true, false, false], counts.Select(count => count > 0));
        Assert.Equal(
            [
                Ineligible.NotHealthy, Ineligible.No, Ineligible.TriedBefore, Ineligible.No, Ineligible.Draining,
                Ineligible.TriedBefore,
            ],
            rig.Candidates.ToArray().Select(c => c.Ineligible));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_replica_on_probation_gets_no_more_than_it_is_trusted_with(string policy)
    {
        var rig = new PoolRig(policy, 2);
        rig.SetEligible(0, Ineligible.No, inFlightMax: 1);
        var first = rig.SendTo(0);
        var counts = rig.Count(100);
        Assert.Equal([0, 100], counts);
        Assert.Equal(Ineligible.AtLimit, rig.Candidates[0].Ineligible);

        rig.State.Apply(PoolEvent.Ended(default, first, RouteEnd.Completed));
        rig.Decide();
        Assert.Equal(Ineligible.No, rig.Candidates[0].Ineligible);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Where_none_is_left_none_is_found(string policy)
    {
        var rig = new PoolRig(policy, 2);
        rig.SetEligible(0, Ineligible.NotHealthy);
        var decision = rig.Decide(tried: [1]);
        Assert.False(decision.Found);
        Assert.Equal(-1, decision.Replica);
        Assert.Equal(-1, decision.RunnerUp);
        Assert.Equal(0, decision.MatchedTokens);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void The_runner_up_is_another_one_and_no_better(string policy)
    {
        var rig = new PoolRig(policy, 4);
        for (var i = 0; i < 200; i++)
        {
            var decision = rig.Decide();
            Assert.NotEqual(decision.Replica, decision.RunnerUp);
            Assert.InRange(decision.RunnerUp, 0, 3);
            var best = rig.Candidates[decision.Replica].Cost;
            var second = rig.Candidates[decision.RunnerUp].Cost;
            Assert.True(best <= second);
            foreach (var other in rig.Candidates)
            {
                Assert.True(other.Replica == decision.Replica || other.Cost >= second);
            }

            rig.SendTo(decision.Replica);
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_decision_and_its_events_allocate_nothing(string policy)
    {
        const int Replicas = 256;
        var rig = new PoolRig(policy, Replicas);
        var chains = Enumerable.Range(0, 40).Select(i => PoolRig.Chain((ulong)i, 100)).ToArray();
        Turn(rig, chains, 400);
        Assert.Equal(0, Allocation.Of(() => Turn(rig, chains, 1_000)));
    }

    private static void Turn(PoolRig rig, ulong[][] chains, int times)
    {
        for (var i = 0; i < times; i++)
        {
            var chain = chains[i % chains.Length];
            var decision = rig.Decide(100 * PrefixChainBuilder.BlockBytes / 4, chain);
            var ticket = rig.Dispatch(in decision, i, chain, 25_600);
            rig.FirstToken(ticket, i + 0.1);
            rig.End(ticket, RouteEnd.Completed, i + 0.9, prompt: 6_400, output: 40);
        }
    }

    private static int[] Take(PoolRig rig, int times) =>
        [.. Enumerable.Range(0, times).Select(_ => rig.Decide().Replica)];
}
