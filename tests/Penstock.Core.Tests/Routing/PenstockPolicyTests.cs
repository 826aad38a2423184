using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

public class PenstockPolicyTests
{
    private static readonly ulong[] Prompt = PoolRig.Chain(1, 100);

    // 100 blocks of 256 bytes at 4 bytes a token.
    private const long PromptTokens = 6_400;

    [Fact]
    public void It_prefers_the_replica_that_holds_the_longest_prefix()
    {
        var rig = new PoolRig("penstock", 4);
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
        var rig = new PoolRig("penstock", 2);
        rig.End(rig.SendTo(0, chain: Prompt));
        var chosen = new List<int>();
        for (var queued = 0; queued < 20; queued++)
        {
            chosen.Add(rig.Decide(PromptTokens, Prompt).Replica);
            rig.SendTo(0, tokens: 1_000);
        }

        // Stays while the queue is short, goes when it is long, and does not come back.
        Assert.Equal(0, chosen[0]);
        Assert.Equal(1, chosen[^1]);
        Assert.Equal(chosen.Order(), chosen);
        Assert.InRange(chosen.Count(replica => replica == 0), 5, 15);
    }

    /// <summary>6,400 tokens at 8,000 a second, of which 6,000 are cached.</summary>
    [Theory]
    [InlineData(CacheTier.Device, 0)]
    [InlineData(CacheTier.Host, 0.25)]
    [InlineData(CacheTier.Disk, 0.75)]
    [InlineData(CacheTier.Shared, 0.5)]
    public void What_is_cached_in_a_lower_tier_costs_its_way_back(CacheTier tier, double share)
    {
        var rig = new PoolRig("penstock", 1);
        Assert.Equal((400 + (6_000 * share)) / 8_000, Prefill(rig, tier), 9);

        var shape = new CacheShape { Restoring = new RestoreCosts(0.1, 0.1, 0.1) };
        rig.Tell(PoolEvent.CacheShaped(default, 0, in shape));
        Assert.Equal((400 + (tier == CacheTier.Device ? 0 : 600)) / 8_000.0, Prefill(rig, tier), 9);
    }

    private static double Prefill(PoolRig rig, CacheTier tier)
    {
        Candidate[] candidates = [new() { MatchedTokens = 6_000, UncachedTokens = 400 }];
        candidates[0].Match = tier switch
        {
            CacheTier.Device => new() { Device = 6_000 },
            CacheTier.Host => new() { Host = 6_000 },
            CacheTier.Disk => new() { Disk = 6_000 },
            _ => new() { Shared = 6_000 },
        };
        var rng = new Rng(1);
        RoutePolicies.Create("penstock")!.Score(default, rig.State, candidates, ref rng);
        return candidates[0].Terms[1];
    }

    [Fact]
    public void It_compares_unlike_replicas_in_seconds_of_their_own_rates()
    {
        var rig = new PoolRig("penstock", 2);
        for (var i = 0; i < 50; i++)
        {
            rig.Teach(0, prefillRate: 2_000, secondsPerToken: 0.02, answers: 2);
            rig.Teach(1, prefillRate: 40_000, secondsPerToken: 0.02, answers: 2);
        }

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
        var rig = new PoolRig("penstock", 2);
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
        var rig = new PoolRig("penstock", 3);
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
        var rig = new PoolRig("penstock", 2);
        rig.Teach(0, prefillRate: 8_000, secondsPerToken: 0.05, answers: 120);
        rig.Teach(1, prefillRate: 8_000, secondsPerToken: 0.01, answers: 120);
        Assert.Equal(1, rig.Decide(1_000).Replica);
        Assert.InRange(rig.Candidates[0].Terms[5] / rig.Candidates[1].Terms[5], 4, 6);
    }

    [Fact]
    public void An_idle_fleet_minimises_the_delay_of_the_request_and_a_busy_one_the_work()
    {
        var rig = new PoolRig("penstock", 2);
        rig.End(rig.SendTo(0, chain: Prompt));
        rig.SendTo(0, tokens: 7_000);
        Assert.Equal(1, rig.Decide(PromptTokens, Prompt).Replica);

        // The same gap between the two, with a backlog everywhere and many that come.
        rig.SendTo(0, tokens: 60_000);
        rig.SendTo(1, tokens: 60_000);
        for (var i = 0; i < 300; i++)
        {
            rig.Decide(at: i * 0.1);
        }

        // Since nothing of it was seen to be done, the most of it is taken to be left.
        Assert.Equal(0, rig.Decide(PromptTokens, Prompt, at: 30).Replica);
    }

    [Fact]
    public void What_was_computed_of_a_prefill_meanwhile_is_not_waited_for()
    {
        var rig = new PoolRig("penstock", 1);
        rig.SendTo(0, tokens: 16_000, at: 100);
        rig.Decide(10, at: 100);
        Assert.Equal(2, rig.Candidates[0].Terms[0], 6);
        rig.Decide(10, at: 101);
        Assert.Equal(1, rig.Candidates[0].Terms[0], 6);
        rig.Decide(10, at: 101.95);
        Assert.Equal(0.2, rig.Candidates[0].Terms[0], 6);
    }

    [Fact]
    public void A_replica_whose_first_tokens_are_late_costs_what_they_are_late()
    {
        var rig = new PoolRig("penstock", 2);
        rig.SendTo(0, tokens: 16_000, at: 100);
        rig.SendTo(0, tokens: 10, at: 100);

        // Due after two seconds, and not there after five: the line is three seconds late, in the mean of its two ends.
        rig.Decide(10, at: 105);
        Assert.Equal(0.2 + (2 * 3), rig.Candidates[0].Terms[0], 1);
        Assert.Equal(1, rig.Decide(10, at: 105).Replica);
    }

    [Fact]
    public void One_request_that_is_late_while_others_are_served_says_little_of_its_replica()
    {
        var rig = new PoolRig("penstock", 1);
        rig.SendTo(0, tokens: 10, at: 0);
        for (var i = 0; i < 50; i++)
        {
            var ticket = rig.SendTo(0, tokens: 10, at: i);
            rig.FirstToken(ticket, i + 0.1);
            rig.End(ticket, at: i + 0.2);
        }

        rig.Decide(10, at: 50);
        Assert.InRange(rig.Candidates[0].Terms[0], 0, 1.5);
    }

    [Fact]
    public void Identical_prompts_in_a_burst_wait_for_the_first_as_long_as_that_is_shorter()
    {
        var rig = new PoolRig("penstock", 4);
        var chosen = new List<int>();
        for (var i = 0; i < 6; i++)
        {
            var decision = rig.Decide(PromptTokens, Prompt);
            rig.Dispatch(in decision, 0, Prompt, PromptTokens * 4);
            chosen.Add(decision.Replica);
        }

        // The first computes it; for the others it is as good as there.
        Assert.True(chosen.Count(replica => replica == chosen[0]) >= 3);
    }

    [Fact]
    public void One_system_prompt_does_not_pin_a_fleet_to_one_replica()
    {
        // Seven requests come a second, and a replica serves a little more than two: three are just enough.
        var rig = new PoolRig("penstock", 4);
        var counts = new int[4];
        var lines = Enumerable.Range(0, 4).Select(_ => new Queue<RouteTicket>()).ToArray();
        var now = 0.0;
        for (var i = 0; i < 400; i++)
        {
            // 48 blocks that all share, and 52 of its own.
            ulong[] own = [.. Prompt[..48], .. PoolRig.Chain((ulong)i + 100, 52)];
            var decision = rig.Decide(PromptTokens, own, at: now);
            counts[decision.Replica]++;
            lines[decision.Replica].Enqueue(rig.Dispatch(in decision, now, own, PromptTokens * 4));
            now += 0.14;
            foreach (var line in lines.Where(line => i % 3 == 0 && line.Count > 0))
            {
                var served = line.Dequeue();
                rig.FirstToken(served, now);
                rig.End(served, at: now, prompt: PromptTokens, output: 20);
            }
        }

        Assert.All(counts, count => Assert.InRange(count, 0, 200));
    }

    [Fact]
    public void A_prefix_that_many_begin_with_is_copied_before_those_who_have_it_are_late()
    {
        var rig = new PoolRig("penstock", 2);
        var copied = Ask(rig, requests: 200, perSecond: 20);
        Assert.InRange(copied, 8, 100);
        Assert.InRange(rig.Candidates[1].Terms[6], double.NegativeInfinity, -0.01);
    }

    /// <summary>Bytes a token differ from prompt to prompt: of this prefix the engine counts one token in eight bytes,
    /// of all else in four.</summary>
    [Fact]
    public void Who_holds_a_hot_prefix_shows_in_its_share_of_the_prompt_and_not_in_its_bytes()
    {
        var rig = new PoolRig("penstock", 2);
        var prefix = new PromptMark(Prompt.Length * 256, 77);
        Teach(Prefix(Prompt, [prefix]), 0, PromptTokens / 2);
        var copied = -1;
        for (var i = 0; i < 200 && copied < 0; i++)
        {
            ulong[] own = [.. Prompt, .. PoolRig.Chain((ulong)i + 100, 2)];
            var request = new RouteRequest
            {
                At = PoolRig.At(10 + (i / 20.0)),
                Prompt = Prefix(own, [prefix, new PromptMark(own.Length * 256, (ulong)i + 1_000)]),
            };
            var decision = rig.Decide(in request);
            Assert.InRange(decision.PromptTokens, (PromptTokens / 2) + 100, (PromptTokens / 2) + 300);
            copied = decision.Replica == 1 ? i : -1;
            Teach(request.Prompt, 10 + (i / 20.0), (PromptTokens / 2) + 128);
        }

        Assert.InRange(copied, 8, 100);

        void Teach(PromptPrefix prompt, double at, long tokens)
        {
            var request = new RouteRequest { At = PoolRig.At(at), Prompt = prompt };
            var decision = new RouteDecision(0, -1, tokens, 0, 0, 200);
            var ticket = rig.Tell(PoolEvent.Dispatched(in request, in decision), prompt);
            rig.FirstToken(ticket, at);
            rig.Tell(PoolEvent.Ended(PoolRig.At(at), ticket, RouteEnd.Completed, tokens, -1, 200), prompt);
            rig.FirstToken(rig.SendTo(0, 10, at), at);
        }

        static PromptPrefix Prefix(ulong[] blocks, PromptMark[] marks) =>
            new() { Blocks = blocks, Marks = marks, Length = blocks.Length * 256 };
    }

    [Fact]
    public void A_prefix_that_few_begin_with_stays_where_it_is()
    {
        var rig = new PoolRig("penstock", 2);
        Assert.Equal(-1, Ask(rig, requests: 60, perSecond: 0.2));
    }

    [Fact]
    public void A_conversation_that_goes_on_is_no_prefix_that_many_begin_with()
    {
        var rig = new PoolRig("penstock", 2);
        ulong[] session = Prompt;
        for (var turn = 0; turn < 60; turn++)
        {
            session = [.. session, .. PoolRig.Chain((ulong)turn + 50, 2)];
            rig.End(rig.SendTo(0, PromptTokens, turn * 0.1, session), at: turn * 0.1);
        }

        rig.FirstToken(rig.SendTo(0, 10, 6), 6);
        rig.Decide(PromptTokens, [.. session, 1, 2], at: 6);
        Assert.Equal(0, rig.Candidates[1].Terms[6]);
    }

    [Fact]
    public void It_takes_the_place_of_what_nobody_asks_for_again()
    {
        var rig = new PoolRig("penstock", 2, blocksPerReplica: 400);
        foreach (var replica in new[] { 0, 1 })
        {
            rig.Tell(PoolEvent.CacheShaped(default, replica, new CacheShape
            {
                Kind = CacheKind.Paged, CapacityTokens = 12_800, BlockTokens = 64,
            }));
        }

        // Both are full. Replica 0 holds a session that comes back every 20 s, replica 1 one that ended long ago.
        var now = 0.0;
        ulong[] session = PoolRig.Chain(7, 40);
        Fill(1, PoolRig.Chain(8, 190), now);
        for (var turn = 0; turn < 60; turn++, now += 20)
        {
            session = [.. session, .. PoolRig.Chain((ulong)turn + 50, 2)];
            Fill(0, session, now);
        }

        Fill(0, PoolRig.Chain(9, 30), now);
        var decision = rig.Decide(PromptTokens, Prompt, at: now + 15);
        Assert.Equal(1, decision.Replica);
        Assert.True(rig.Candidates[0].Terms[4] > 2 * rig.Candidates[1].Terms[4]);

        void Fill(int replica, ulong[] chain, double at) =>
            rig.End(
                rig.SendTo(replica, chain.Length * 64, at, chain), at: at, prompt: chain.Length * 64, output: 1);
    }

    [Fact]
    public void Beyond_its_slots_a_replica_makes_wait_for_whole_answers()
    {
        var rig = new PoolRig("penstock", 2);
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
        var rig = new PoolRig("penstock", 3);
        rig.SendTo(0);
        rig.Decide();
        Assert.Equal(
            ["queue", "prefill", "congestion", "slowdown", "eviction", "decode", "copy"],
            RoutePolicies.Create("penstock")!.TermNames.ToArray());
        foreach (var candidate in rig.Candidates)
        {
            var sum = 0.0;
            for (var term = 0; term < 7; term++)
            {
                sum += candidate.Terms[term];
            }

            Assert.Equal(sum, candidate.Cost, 9);
        }
    }

    /// <summary>Conversations that begin with <see cref="Prompt"/>, which replica 0 holds, and are answered in ten
    /// seconds. Returns which of them replica 1 got as its first; −1 for none.</summary>
    private static int Ask(PoolRig rig, int requests, double perSecond)
    {
        rig.End(rig.SendTo(0, PromptTokens, chain: Prompt));
        var open = new Queue<(double At, RouteTicket Ticket)>();
        for (var i = 0; i < requests; i++)
        {
            var now = 10 + (i / perSecond);
            while (open.TryPeek(out var first) && first.At <= now)
            {
                rig.End(open.Dequeue().Ticket, at: first.At, prompt: PromptTokens + 128, output: 200);
            }

            ulong[] own = [.. Prompt, .. PoolRig.Chain((ulong)i + 100, 2)];
            var decision = rig.Decide(PromptTokens + 128, own, at: now);
            if (decision.Replica == 1)
            {
                return i;
            }

            var ticket = rig.Dispatch(in decision, now, own, (PromptTokens + 128) * 4);
            rig.FirstToken(ticket, now);
            open.Enqueue((now + 10, ticket));
        }

        return -1;
    }

    private static double Queue(PoolRig rig)
    {
        rig.Decide(10);
        return rig.Candidates[0].Terms[0];
    }
}
