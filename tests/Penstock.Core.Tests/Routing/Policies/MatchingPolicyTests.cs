using Penstock.Core.Routing;
using Penstock.Core.Routing.Policies.Matching;

namespace Penstock.Core.Tests.Routing.Policies;

public class MatchingPolicyTests
{
    // 100 blocks of 64 tokens.
    private const long Tokens = 6_400;

    private static readonly ulong[] Prompt = PoolRig.Chain(1, 100);

    [Theory]
    [InlineData("sglang-cache-aware", 30, false)]
    [InlineData("sglang-cache-aware", 31, true)]
    [InlineData("sglang-cache-aware-old", 50, false)]
    [InlineData("sglang-cache-aware-old", 51, true)]
    [InlineData("ray-prefix", 9, false)]
    [InlineData("ray-prefix", 10, true)]
    [InlineData("vps-kv", 68, false)]
    [InlineData("vps-kv", 69, true)]
    [InlineData("sgl-router", 15, false)]
    [InlineData("sgl-router", 16, true)]
    [InlineData("llmd-optimized", 79, false)]
    [InlineData("llmd-optimized", 80, true)]
    [InlineData("vps-prefix", 1, true)]
    [InlineData("aibrix-prefix", 0, false)]
    public void A_prefix_counts_from_its_threshold_on(string policy, int blocks, bool counts)
    {
        var rig = new PoolRig(policy, 2);
        rig.Hold(0, Prompt, blocks);
        rig.SendTo(0, 10);
        Assert.Equal(counts ? 0 : 1, rig.Decide(Tokens, Prompt).Replica);
    }

    [Theory]
    [InlineData("sglang-cache-aware", 0, 64, 0)]
    [InlineData("sglang-cache-aware", 0, 65, 1)]
    [InlineData("sglang-cache-aware", 140, 210, 0)]
    [InlineData("sglang-cache-aware", 140, 211, 1)]
    [InlineData("sglang-cache-aware-old", 0, 32, 0)]
    [InlineData("sglang-cache-aware-old", 0, 33, 1)]
    [InlineData("sglang-cache-aware-old", 100, 133, 1)]
    [InlineData("sglang-cache-aware", 100, 133, 0)]
    [InlineData("aibrix-prefix", 0, 1, 0)]
    [InlineData("aibrix-prefix", 0, 8, 0)]
    [InlineData("aibrix-prefix", 0, 9, 1)]
    [InlineData("ray-prefix", 0, 300, 0)]
    [InlineData("vps-prefix", 0, 300, 0)]
    public void The_holder_is_left_beyond_the_published_imbalance(string policy, int elsewhere, int there, int chosen)
    {
        var rig = new PoolRig(policy, 2);
        rig.Hold(0, Prompt, 90);
        Send(rig, 0, there);
        Send(rig, 1, elsewhere);
        Assert.Equal(chosen, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Sglang_breaks_ties_of_load_by_what_was_sent_so_far()
    {
        var rig = new PoolRig("sglang-cache-aware", 3);
        rig.End(rig.SendTo(0));
        rig.End(rig.SendTo(2));
        Assert.All(Enumerable.Range(0, 10), _ => Assert.Equal(1, rig.Decide().Replica));
    }

    [Fact]
    public void Sgl_router_takes_the_least_uncached_then_the_least_waiting()
    {
        var rig = new PoolRig("sgl-router", 3);
        rig.Hold(0, Prompt, 60);
        rig.Hold(1, Prompt, 60);
        rig.Hold(2, Prompt, 59);
        rig.SendTo(0, 300);
        rig.SendTo(1, 200);
        var decision = rig.Decide(Tokens, Prompt);
        Assert.Equal((1, 0), (decision.Replica, decision.RunnerUp));
    }

    [Theory]
    [InlineData(44, 1_025, 0, 1)]
    [InlineData(44, 1_024, 0, 0)]
    [InlineData(43, 9_999, 0, 0)]
    [InlineData(44, 6_000, 4_000, 0)]
    [InlineData(44, 6_001, 4_000, 1)]
    public void Sgl_router_yields_within_the_margin_to_much_less_pressure(int blocks, long at, long other, int chosen)
    {
        // 60 blocks at the first; 16 blocks fewer are 1,024 tokens.
        var rig = new PoolRig("sgl-router", 2);
        rig.Hold(0, Prompt, 60);
        rig.Hold(1, Prompt, blocks);
        rig.SendTo(0, at);
        rig.SendTo(1, other);
        Assert.Equal(chosen, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Sgl_router_yields_only_to_those_it_keeps()
    {
        // Eight are kept of nine; the one with no pressure has the longest way to go, and is the ninth.
        var rig = new PoolRig("sgl-router", 9);
        for (var replica = 0; replica < 8; replica++)
        {
            rig.Hold(replica, Prompt, 60);
            rig.SendTo(replica, 5_000);
        }

        rig.Hold(8, Prompt, 50);
        Assert.NotEqual(8, rig.Decide(Tokens, Prompt).Replica);
        rig.SetEligible(3, Ineligible.Draining);
        Assert.Equal(8, rig.Decide(Tokens, Prompt).Replica);
    }

    [Theory]
    [InlineData("llmd-optimized")]
    [InlineData("llmd-optimized-lookahead")]
    public void Llmd_optimized_leaves_the_holder_when_it_waits_18_seconds_longer(string policy)
    {
        // 18 s at 15,928 tokens a second are 286,704 tokens.
        var rig = new PoolRig(policy, 3);
        rig.Hold(0, Prompt, 90);
        rig.SendTo(0, 286_704 + 1_000);
        rig.SendTo(1, 1_000);
        rig.SendTo(2, 2_000);
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
        rig.SendTo(0, 1);
        Assert.Equal(1, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Only_the_look_ahead_counts_what_this_request_would_add()
    {
        foreach (var (policy, chosen) in new[] { ("llmd-optimized", 1), ("llmd-optimized-lookahead", 0) })
        {
            var rig = new PoolRig(policy, 2);
            rig.Hold(0, Prompt, 98);
            rig.Hold(1, Prompt, 82);
            rig.SendTo(0, 600);
            rig.SendTo(1, 500);
            Assert.Equal(chosen, rig.Decide(Tokens, Prompt).Replica);
        }
    }

    [Fact]
    public void Aibrix_passes_over_a_holder_beyond_a_standard_deviation()
    {
        // Q is 4, 1, 1, 1: mean 1.75, σ 1.3.
        var rig = new PoolRig("aibrix-prefix", 4);
        rig.Hold(0, Prompt, 90);
        rig.Hold(1, Prompt, 40);
        rig.Hold(2, Prompt, 50);
        Send(rig, 0, 4);
        Send(rig, 1, 1);
        Send(rig, 2, 1);
        Send(rig, 3, 1);
        Assert.Equal(2, rig.Decide(Tokens, Prompt).Replica);

        // 3, 1, 1, 1 has 1.5 and 0.87; 2, 1, 2, 1 has 1.5 and 0.5, which the first just meets.
        rig = new PoolRig("aibrix-prefix", 4);
        rig.Hold(0, Prompt, 90);
        Send(rig, 0, 2);
        Send(rig, 1, 1);
        Send(rig, 2, 2);
        Send(rig, 3, 1);
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Ray_takes_the_smallest_tree_on_a_miss_and_two_choices_beyond_its_threshold()
    {
        var rig = new PoolRig("ray-prefix", 3);
        rig.Hold(0, PoolRig.Chain(5, 10), 10);
        rig.Hold(1, PoolRig.Chain(6, 4), 4);
        rig.Hold(2, PoolRig.Chain(9, 4), 4);
        rig.SendTo(1);
        Assert.Equal(2, rig.Decide(Tokens, Prompt).Replica);

        var guarded = new PoolRig(new RayPrefixPolicy(imbalanceMax: 1), 2);
        guarded.Hold(0, Prompt, 90);
        guarded.SendTo(0);
        Assert.Equal(0, guarded.Decide(Tokens, Prompt).Replica);
        guarded.SendTo(0);
        Assert.Equal(1, guarded.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Vps_prefix_draws_among_all_that_hold_the_longest()
    {
        var rig = new PoolRig("vps-prefix", 4);
        rig.Hold(0, Prompt, 20);
        rig.Hold(1, Prompt, 30);
        rig.Hold(3, Prompt, 30);
        Send(rig, 3, 50);
        var chosen = Enumerable.Range(0, 100).Select(_ => rig.Decide(Tokens, Prompt).Replica).ToArray();
        Assert.Equal([1, 3], chosen.Distinct().Order());
    }

    [Fact]
    public void Skywalker_pushes_only_where_nobody_waits()
    {
        var rig = new PoolRig("skywalker", 3);
        rig.Hold(0, Prompt, 90);
        rig.Hold(1, Prompt, 10);
        rig.Report(0, running: 9, waiting: 0);
        rig.Report(1, running: 9, waiting: 0);
        rig.Report(2, running: 0, waiting: 0);
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
        rig.Report(0, running: 9, waiting: 1);
        Assert.Equal(1, rig.Decide(Tokens, Prompt).Replica);
        rig.Report(1, running: 9, waiting: 3);
        rig.Report(2, running: 9, waiting: 2);
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
    }

    private static void Send(PoolRig rig, int replica, int times)
    {
        for (var i = 0; i < times; i++)
        {
            rig.SendTo(replica, 10);
        }
    }
}
