using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing.Policies;

public class PreblePolicyTests
{
    // 100 blocks of 64 tokens.
    private const long Tokens = 6_400;

    private static readonly ulong[] Prompt = PoolRig.Chain(1, 100);

    [Theory]
    [InlineData(50, 1)]
    [InlineData(51, 0)]
    public void It_exploits_where_less_is_new_than_is_cached(int blocks, int chosen)
    {
        var rig = new PoolRig("preble", 2);
        rig.Hold(0, Prompt, blocks);
        Assert.Equal(chosen, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Of_several_holders_the_cheapest_is_taken()
    {
        var rig = new PoolRig("preble", 4);
        rig.Hold(0, Prompt, 90);
        rig.Hold(1, Prompt, 90);
        rig.Hold(2, Prompt, 80);
        rig.SendTo(0, 8_000, at: 1);
        rig.SendTo(1, 4_000, at: 1);
        Assert.Equal(1, rig.Decide(Tokens, Prompt, at: 1).Replica);

        // Prefill of what was computed in the window, 1,000 of it when the prefix came, and an answer in flight.
        Assert.Equal(5_000 / 8_000.0, rig.Candidates[1].Terms[0], 9);
        Assert.Equal(200 * 0.02, rig.Candidates[1].Terms[1], 9);
    }

    [Fact]
    public void What_was_computed_more_than_three_minutes_ago_costs_nothing()
    {
        var rig = new PoolRig("preble", 2);
        rig.End(rig.SendTo(0, 8_000, at: 1));
        rig.End(rig.SendTo(1, 4_000, at: 100));
        Assert.Equal(1, rig.Decide(Tokens, Prompt, at: 179).Replica);
        Assert.Equal(0, rig.Decide(Tokens, Prompt, at: 181).Replica);
    }

    [Fact]
    public void Only_nodes_larger_than_what_stands_before_them_count()
    {
        var rig = new PoolRig("preble", 2);
        rig.Dispatch(new RouteDecision(0, -1, 6_400, 3_200, 3_200, 200), 0, null, 25_600);
        rig.Dispatch(new RouteDecision(1, -1, 6_400, 3_199, 3_199, 200), 0, null, 25_600);
        rig.Decide();
        Assert.Equal(0, rig.Candidates[0].Terms[0]);
        Assert.Equal(3_201 / 8_000.0, rig.Candidates[1].Terms[0], 9);
    }

    [Fact]
    public void After_fifty_requests_a_replica_the_dearest_holder_is_relieved()
    {
        // A slot that no replica has takes no requests.
        var rig = new PoolRig("preble", 3);
        rig.SetEligible(2, Ineligible.Absent);
        rig.Hold(0, Prompt, 90);
        for (var i = 0; i < 98; i++)
        {
            rig.End(rig.SendTo(i % 2, 100));
        }

        // 5,900 tokens computed at the one, 4,900 at the other; 7,340 is not half as much again, 7,360 is.
        rig.End(rig.SendTo(0, 1_440));
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
        rig.End(rig.SendTo(0, 20));
        Assert.Equal(1, rig.Decide(Tokens, Prompt).Replica);

        // The same cost without the requests behind it does not move anything.
        var young = new PoolRig("preble", 2);
        young.Hold(0, Prompt, 90);
        young.End(young.SendTo(0, 6_350));
        Assert.Equal(0, young.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void The_deepest_that_is_left_is_exploited_where_the_deepest_is_out()
    {
        var rig = new PoolRig("preble", 3);
        rig.Hold(0, Prompt, 90);
        rig.Hold(1, Prompt, 70);
        rig.SetEligible(0, Ineligible.Draining);
        Assert.Equal(1, rig.Decide(Tokens, Prompt).Replica);
    }
}
