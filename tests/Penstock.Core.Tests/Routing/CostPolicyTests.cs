using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

public class CostPolicyTests
{
    private static readonly ulong[] Prompt = PoolRig.Chain(1, 100);

    // 100 blocks of 256 bytes at 4 bytes a token.
    private const long PromptTokens = 6_400;

    [Fact]
    public void It_prefers_the_replica_that_holds_the_longest_prefix()
    {
        var rig = new PoolRig("cost", 4);
        rig.End(rig.SendTo(1, chain: Prompt[..30]));
        rig.End(rig.SendTo(2, chain: Prompt[..90]));
        rig.End(rig.SendTo(3, chain: Prompt[..60]));
        var decision = rig.Decide(PromptTokens, Prompt);
        Assert.Equal(2, decision.Replica);
        Assert.Equal(3, decision.RunnerUp);
        Assert.Equal(90 * 64, decision.MatchedTokens);
        Assert.Equal(10 * 64, decision.UncachedTokens);
    }

    [Fact]
    public void It_leaves_the_holder_when_the_queue_there_costs_more_than_the_prefix_saves()
    {
        var rig = new PoolRig("cost", 2);
        rig.End(rig.SendTo(0, chain: Prompt));
        var chosen = new List<int>();
        for (var queued = 0; queued < 12; queued++)
        {
            chosen.Add(rig.Decide(PromptTokens, Prompt).Replica);
            rig.SendTo(0, tokens: 1_000);
        }

        // Stays while the queue is short, goes when it is long, and does not come back.
        Assert.Equal(0, chosen[0]);
        Assert.Equal(1, chosen[^1]);
        Assert.Equal(chosen.Order(), chosen);
        Assert.InRange(chosen.Count(replica => replica == 0), 5, 11);
    }

    [Fact]
    public void It_compares_unlike_replicas_in_seconds_of_their_own_rates()
    {
        var rig = new PoolRig("cost", 2);
        rig.Teach(0, prefillRate: 2_000, secondsPerToken: 0.02);
        rig.Teach(1, prefillRate: 40_000, secondsPerToken: 0.02);
        rig.SendTo(0, tokens: 2_000);
        rig.SendTo(1, tokens: 20_000);

        // Ten times the tokens wait at the one that is twenty times as fast.
        Assert.Equal(1, rig.Decide(8_000).Replica);
        Assert.InRange(rig.Candidates[0].Terms[0], 0.9, 1.1);
        Assert.InRange(rig.Candidates[1].Terms[0], 0.45, 0.55);
        Assert.InRange(rig.Candidates[0].Terms[1], 3.6, 4.4);
        Assert.InRange(rig.Candidates[1].Terms[1], 0.18, 0.22);
    }

    [Fact]
    public void It_learns_from_answers_in_one_piece_that_a_replica_is_slow()
    {
        var rig = new PoolRig("cost", 2);
        for (var i = 0; i < 3; i++)
        {
            foreach (var (replica, seconds) in new[] { (0, 8.0), (1, 0.8) })
            {
                var ticket = rig.SendTo(replica, tokens: 50, at: 0);
                rig.State.Apply(PoolEvent.Ended(
                    PoolRig.At(seconds), ticket, RouteEnd.Completed, promptTokens: 50, output: 40));
            }
        }

        Assert.Equal(1, rig.Decide(50).Replica);
        Assert.True(rig[0].SecondsPerToken > 4 * rig[1].SecondsPerToken);
    }

    [Fact]
    public void It_spreads_short_prompts_over_replicas_that_decode()
    {
        var rig = new PoolRig("cost", 3);
        foreach (var replica in new[] { 0, 0, 1 })
        {
            var ticket = rig.SendTo(replica, tokens: 100);
            rig.State.Apply(PoolEvent.FirstToken(PoolRig.At(1), ticket));
        }

        // Nothing waits for prefill anywhere: what differs is how many are decoding.
        Assert.Equal(2, rig.Decide(100).Replica);
        rig.SetEligible(2, Ineligible.Draining);
        Assert.Equal(1, rig.Decide(100).Replica);
    }

    [Fact]
    public void It_prefers_the_faster_decoder_where_prefill_is_alike()
    {
        var rig = new PoolRig("cost", 2);
        rig.Teach(0, prefillRate: 8_000, secondsPerToken: 0.05);
        rig.Teach(1, prefillRate: 8_000, secondsPerToken: 0.01);
        Assert.Equal(1, rig.Decide(1_000).Replica);
        Assert.InRange(rig.Candidates[0].Terms[3], 4.5, 5.5);
        rig.Decide(1_000, outputMax: 10);
        Assert.InRange(rig.Candidates[0].Terms[3], 0.45, 0.55);
    }

    [Fact]
    public void A_waiting_fleet_makes_avoidable_work_dearer()
    {
        var rig = new PoolRig("cost", 2);
        rig.End(rig.SendTo(0, chain: Prompt));
        for (var i = 0; i < 11; i++)
        {
            rig.SendTo(0, tokens: 1_000);
        }

        Assert.Equal(1, rig.Decide(PromptTokens, Prompt).Replica);
        rig.Report(0, running: 8, waiting: 10);
        rig.Report(1, running: 8, waiting: 10);
        Assert.Equal(0, rig.Decide(PromptTokens, Prompt).Replica);
    }

    [Fact]
    public void Beyond_its_slots_a_replica_makes_wait_for_whole_answers()
    {
        var rig = new PoolRig("cost", 2);
        rig.Report(0, running: 0, waiting: 0, slots: 2);
        rig.FirstToken(rig.SendTo(0, 10), 1);
        Assert.Equal(0, Queue(rig));
        rig.FirstToken(rig.SendTo(0, 10), 1);

        // Both slots are taken: half an answer of 200 tokens at 20 ms, for one of the two will be free by then.
        Assert.Equal(2, Queue(rig), 3);
        rig.FirstToken(rig.SendTo(0, 10), 1);
        Assert.Equal(4, Queue(rig), 3);
    }

    [Fact]
    public void The_cost_is_the_sum_of_terms_that_have_names()
    {
        var rig = new PoolRig("cost", 3);
        rig.SendTo(0);
        rig.Decide();
        Assert.Equal(["queue", "prefill", "congestion", "decode"], RoutePolicies.Create("cost")!.TermNames.ToArray());
        foreach (var candidate in rig.Candidates)
        {
            Assert.Equal(
                candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2] + candidate.Terms[3], candidate.Cost, 9);
        }
    }

    private static double Queue(PoolRig rig)
    {
        rig.Decide(10);
        return rig.Candidates[0].Terms[0];
    }
}
