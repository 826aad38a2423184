using Penstock.Core.Prefixes;
using Penstock.Core.Routing;
using Penstock.Core.Routing.Policies.Weighing;

namespace Penstock.Core.Tests.Routing.Policies;

public class WeighingPolicyTests
{
    // 100 blocks of 64 tokens.
    private const long Tokens = 6_400;

    private static readonly ulong[] Prompt = PoolRig.Chain(1, 100);

    [Fact]
    public void Weighted_scores_are_those_of_the_formula()
    {
        var rig = new PoolRig("llmd-weighted", 3);
        rig.Hold(0, Prompt, 50);
        rig.Report(0, running: 1, waiting: 6, usage: 0.5);
        rig.Report(1, running: 1, waiting: 3, usage: 0.25);
        rig.Report(2, running: 1, waiting: 0, usage: 1);
        rig.Decide(Tokens, Prompt);

        // What is missing to the highest score, 7: queue 2·W/6, usage 2·K, prefix 3·(1 − m/L).
        AssertTerms(rig, 0, [2, 1, 1.5], 4.5);
        AssertTerms(rig, 1, [1, 0.5, 3], 4.5);
        AssertTerms(rig, 2, [0, 2, 3], 5);
    }

    [Theory]
    [InlineData("llmd-weighted", 0)]
    [InlineData("gie-weighted", 1)]
    public void The_weights_decide_between_a_prefix_and_a_queue(string policy, int chosen)
    {
        // Half the prompt against the whole difference of the queues, and a fifth of the memory: 3·0.7 > 2·1 holds,
        // and 1·0.7 > 1·1 does not.
        var rig = new PoolRig(policy, 2);
        rig.Hold(0, Prompt, 70);
        rig.Report(0, running: 0, waiting: 1, usage: 0);
        rig.Report(1, running: 0, waiting: 0, usage: 0);
        Assert.Equal(chosen, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void An_engine_that_tells_no_usage_has_that_of_the_tokens_in_flight()
    {
        var rig = new PoolRig("gie-weighted", 2);
        rig.Tell(PoolEvent.CacheShaped(default, 0, new CacheShape { CapacityTokens = 10_000 }));
        rig.SendTo(0, 2_000);
        rig.FirstToken(rig.SendTo(0, 2_900), 1);
        rig.SendTo(1, 2_000);
        rig.Decide();

        // 2,000 that wait, 2,900 that decode and half of an answer of 200; the other's capacity is not known.
        Assert.Equal(0.5, rig.Candidates[0].Terms[1], 9);
        Assert.Equal(0, rig.Candidates[1].Terms[1]);
    }

    [Fact]
    public void Slower_tiers_are_credited_as_published()
    {
        var candidate = new Candidate
        {
            Match = new PrefixMatch { Device = 640, Host = 320, Disk = 128, Shared = 192 },
            MatchedTokens = 1_280,
            UncachedTokens = 1_280,
            PrefillTokens = 64,
            DecodeTokens = 65,
        };

        // 1 + 40 − (10 + 0.75·5 + 0.25·2 + 0.5·3) blocks.
        var load = new ReplicaLoad { PrefillTokens = 64 };
        Assert.Equal(new DynamoBlocks(25.25, 2, 40), DynamoBlocks.Of(in candidate, in load));
        Assert.Equal(640 + (0.8 * 640), PrefixCredit.Of(in candidate, 1, 0.8, 0.8, 0.8), 9);

        // An index that is believed by half is credited by half.
        candidate.MatchedTokens = 640;
        candidate.UncachedTokens = 1_920;
        Assert.Equal(33.125, DynamoBlocks.Of(in candidate, in load).Prefill);
        candidate.Match = default;
        candidate.MatchedTokens = 0;
        Assert.Equal(0, PrefixCredit.Of(in candidate, 1, 1, 1, 1));
    }

    [Fact]
    public void Dynamo_adds_prefill_and_decode_blocks()
    {
        var rig = new PoolRig("dynamo-kv", 2);
        rig.Hold(0, Prompt, 60);
        rig.SendTo(0, 640);
        rig.FirstToken(rig.SendTo(0, 1_180), 1);
        rig.Decide(Tokens, Prompt);

        // Whole prompts count from the dispatch on, cached or not: 640 and 1,180, and half of an answer.
        AssertTerms(rig, 0, [50, 30, 100], 180);
        AssertTerms(rig, 1, [100, 0, 100], 200);
        rig.FirstToken(rig.SendTo(0, 1_116), 1);
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
        rig.FirstToken(rig.SendTo(0, 1), 1);
        Assert.Equal(1, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Dynamo_counts_the_cached_part_of_a_prompt_in_flight_once_and_gives_all_back()
    {
        var rig = new PoolRig("dynamo-kv", 1);
        var ticket = rig.Dispatch(new RouteDecision(0, -1, 6_400, 3_200, 3_200, 200), 0, Prompt, 25_600);
        rig.Tell(PoolEvent.PeerLoad(default, 0, 1, new PeerShare(1, 640, 64)));
        rig.Decide(64);
        AssertTerms(rig, 0, [61, 111, 1], 173);
        rig.FirstToken(ticket, 1);
        rig.Decide(64);
        AssertTerms(rig, 0, [11, 113, 1], 125);
        rig.End(ticket, at: 2);
        rig.Decide(64);
        AssertTerms(rig, 0, [11, 11, 1], 23);
    }

    [Fact]
    public void Dynamo_softmax_draws_by_the_normalised_cost()
    {
        var rig = new PoolRig("dynamo-kv-softmax", 2);
        rig.SendTo(0, 640);

        // exp(−1/0.5) against 1: 11.9 % of 4,000, with a standard deviation of 20.
        Assert.InRange(rig.Count(4_000)[0], 380, 575);
    }

    [Fact]
    public void Lmetric_multiplies_tokens_and_requests()
    {
        var rig = new PoolRig("lmetric", 2);
        rig.Hold(0, Prompt, 75);
        rig.Report(0, running: 2, waiting: 1);
        rig.Report(1, running: 0, waiting: 0);

        // 1,600·4 against 6,400·1; then one more token there.
        rig.Decide(Tokens, Prompt);
        Assert.Equal((6_400, 6_400), (rig.Candidates[0].Cost, rig.Candidates[1].Cost));
        rig.Report(0, running: 2, waiting: 0);
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
        rig.Report(0, running: 2, waiting: 2);
        Assert.Equal(1, rig.Decide(Tokens, Prompt).Replica);
        rig.SendTo(1, 6_400);
        rig.Decide(Tokens, Prompt);
        Assert.Equal(12_800 * 2, rig.Candidates[1].Cost);
    }

    [Fact]
    public void Lmetric_in_blocks_multiplies_prefill_and_decode_blocks()
    {
        var rig = new PoolRig("lmetric-dynamo", 2);
        rig.Hold(0, Prompt, 50);
        rig.FirstToken(rig.SendTo(0, 28), 1);
        rig.SendTo(1, 640);
        rig.Decide(Tokens, Prompt);
        Assert.Equal((50 * 3, 110 * 11), (rig.Candidates[0].Cost, rig.Candidates[1].Cost));
    }

    [Fact]
    public void Trtllm_takes_the_share_cached_less_the_requests_over_64()
    {
        var rig = new PoolRig("trtllm-kv", 2);
        rig.Hold(0, Prompt, 50);
        for (var i = 0; i < 32; i++)
        {
            rig.SendTo(0, 10);
        }

        // 6,401 tokens are padded to 6,432.
        rig.Decide(6_401, Prompt);
        AssertTerms(rig, 0, [1 - (3_200 / 6_432.0), 0.5], 1.5 - (3_200 / 6_432.0));
        Assert.Equal(1, rig.Candidates[1].Cost);
        rig.Decide(Tokens, Prompt);
        Assert.Equal(rig.Candidates[0].Cost, rig.Candidates[1].Cost);
    }

    [Fact]
    public void Mooncake_adds_queue_and_prefill_in_seconds()
    {
        var rig = new PoolRig("mooncake", 2);
        rig.Hold(0, Prompt, 50);
        rig.SendTo(0, 3_000);
        Assert.Equal(0, rig.Decide(Tokens, Prompt).Replica);
        AssertTerms(rig, 0, [0.375, 0.4, 0], 0.775);
        AssertTerms(rig, 1, [0, 0.8, 0], 0.8);
        rig.SendTo(0, 300);
        Assert.Equal(1, rig.Decide(Tokens, Prompt).Replica);
    }

    [Fact]
    public void Mooncake_fetches_a_prefix_that_is_more_than_a_ratio_longer_where_it_can()
    {
        var rig = new PoolRig(new MooncakePolicy(transferRate: 64_000), 3);
        rig.Hold(0, Prompt, 80);
        rig.Hold(1, Prompt, 40);
        rig.Hold(2, Prompt, 39);
        rig.SendTo(0, 8_000);
        Assert.Equal(2, rig.Decide(Tokens, Prompt).Replica);
        AssertTerms(rig, 1, [0, 0.48, 0], 0.48);
        AssertTerms(rig, 2, [0, 0.16, 0.041], 0.201);
    }

    [Fact]
    public void Llmd_slo_fills_up_the_one_with_the_least_headroom_left()
    {
        // 0.8·(5 − (P + 1,000)/8,000) + 0.2·(0.1 − 0.02) is 3.1, 1.1 and below zero.
        var rig = new PoolRig(new SloHeadroomPolicy(), 3);
        rig.SendTo(0, 8_000);
        rig.SendTo(1, 28_000);
        rig.SendTo(2, 48_000);
        var counts = rig.Count(2_000);

        // Weights 1 and 0.01 with 0.99 of the time, else the one below.
        Assert.InRange(counts[1], 1_920, 1_990);
        Assert.InRange(counts[0], 5, 45);
        Assert.InRange(counts[2], 5, 45);
    }

    [Fact]
    public void Llmd_slo_takes_the_least_deficit_where_none_meets_the_objective()
    {
        var rig = new PoolRig(new SloHeadroomPolicy(firstTokenSeconds: 0.1, perTokenSeconds: 0.01), 2);
        rig.SendTo(0, 2_000);
        rig.SendTo(1, 1_000);
        Assert.Equal([0, 100], rig.Count(100));
    }

    [Fact]
    public void Llmd_slo_aims_at_the_objectives_of_the_request()
    {
        // Both are within 5 s, and the fuller one is the better fit; none is within 0.1 s, and the other is the nearer.
        var rig = new PoolRig("llmd-slo", 2);
        rig.SendTo(0, 2_000);
        rig.SendTo(1, 1_000);
        Assert.InRange(rig.Count(100)[0], 90, 100);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(1, rig.Decide(slo: new Slo(0.1, 0)).Replica));

        // The two are weighed: pace to spare makes up for a late start.
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(1, rig.Decide(slo: new Slo(0.2, 0.1)).Replica));
        Assert.InRange(Enumerable.Range(0, 100).Count(_ => rig.Decide(slo: new Slo(0.2, 3)).Replica == 0), 90, 100);
    }

    [Theory]
    [InlineData(80, 0)]
    [InlineData(79, 1)]
    public void Llmd_slo_keeps_to_those_that_hold_most(int blocks, int elsewhereMin)
    {
        // The other would be the better fit, as it has less headroom; it gets most where the holder holds too little.
        var rig = new PoolRig("llmd-slo", 2);
        rig.Hold(0, Prompt, blocks);
        var elsewhere = Enumerable.Range(0, 100).Count(_ => rig.Decide(Tokens, Prompt).Replica == 1);
        Assert.InRange(elsewhere, 90 * elsewhereMin, 100 * elsewhereMin);
    }

    private static void AssertTerms(PoolRig rig, int replica, double[] terms, double cost)
    {
        for (var i = 0; i < terms.Length; i++)
        {
            Assert.Equal(terms[i], rig.Candidates[replica].Terms[i], 9);
        }

        Assert.Equal(cost, rig.Candidates[replica].Cost, 9);
    }
}
