using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

public class PoolStateTests
{
    [Fact]
    public void A_replica_starts_as_not_healthy()
    {
        var state = new PoolState(new PoolOptions(3, 8));
        Assert.All(state.Replicas.ToArray(), load => Assert.Equal(Ineligible.NotHealthy, load.Ineligible));
    }

    [Fact]
    public void A_request_counts_as_prefill_until_its_first_token_and_as_decode_after_it()
    {
        var rig = new PoolRig("penstock", 1);
        var ticket = rig.SendTo(0, tokens: 700);
        Assert.Equal((1, 1, 700, 0), Load(rig));
        rig.FirstToken(ticket, 1);
        Assert.Equal((1, 0, 0, 700 + 100), Load(rig));
        rig.FirstToken(ticket, 2);
        Assert.Equal((1, 0, 0, 700 + 100), Load(rig));
        rig.End(ticket);
        Assert.Equal((0, 0, 0, 0), Load(rig));
        Assert.Equal(0, rig.State.InFlight);
    }

    [Fact]
    public void Only_what_is_not_cached_counts_as_prefill()
    {
        var rig = new PoolRig("penstock", 1);
        var chain = PoolRig.Chain(1, 10);
        rig.End(rig.SendTo(0, chain: chain));
        var decision = rig.Decide(1_000, chain);
        rig.Dispatch(in decision, 0, chain, 4_000);
        Assert.Equal(360, rig[0].PrefillTokens);
    }

    [Fact]
    public void A_whole_prompt_is_never_believed_to_be_cached()
    {
        // An engine computes at least the last token, and a chain may say more than the bytes do.
        var rig = new PoolRig("penstock", 1);
        var chain = PoolRig.Chain(1, 10);
        rig.SendTo(0, chain: chain);
        Assert.Equal(99, rig.Decide(100, chain).MatchedTokens);
        Assert.Equal(1, rig.Decide(0, chain).UncachedTokens);
    }

    [Fact]
    public void A_second_end_does_nothing()
    {
        var rig = new PoolRig("penstock", 1);
        var ticket = rig.SendTo(0);
        var other = rig.SendTo(0);
        rig.End(ticket);
        rig.End(ticket, RouteEnd.Failed);
        Assert.Equal(1, rig[0].InFlight);
        rig.End(other);
        Assert.Equal(0, rig[0].InFlight);
    }

    [Fact]
    public void A_ticket_of_an_earlier_generation_does_nothing()
    {
        var rig = new PoolRig("penstock", 1);
        var old = rig.SendTo(0, 100);
        rig.End(old);
        var current = rig.SendTo(0, 300);
        Assert.Equal(old.Slot, current.Slot);
        rig.FirstToken(old, 1);
        rig.End(old);
        Assert.Equal((1, 1, 300, 0), Load(rig));
    }

    [Fact]
    public void No_ticket_at_all_does_nothing()
    {
        var rig = new PoolRig("penstock", 1);
        rig.FirstToken(default, 1);
        rig.End(default);
        rig.SendTo(0);
        rig.End(default);
        Assert.Equal(1, rig.State.InFlight);
    }

    [Fact]
    public void A_slot_that_was_vacated_knows_nothing_of_the_replica_that_had_it()
    {
        var rig = new PoolRig("least-outstanding", 2);
        var chain = PoolRig.Chain(1, 10);
        rig.Hold(0, chain, 10);
        rig.Hold(1, chain, 10);
        rig.End(rig.SendTo(0, session: 7), output: 10);
        rig.Teach(0, 20_000, 0.01);
        rig.Report(0, 3, 2);
        rig.Tell(PoolEvent.PeerLoad(default, 0, 1, new PeerShare(4, 500, 600)));
        var before = rig[1];
        rig.Tell(PoolEvent.Vacated(default, 0));
        Assert.Equal(ReplicaLoad.New with { Ineligible = Ineligible.Absent }, rig[0]);
        Assert.Equal((0, 10), (rig.State.Index.CountOf(0), rig.State.Index.CountOf(1)));
        Assert.Equal(-1, rig.State.Sessions.Find(7, default, TimeSpan.FromHours(1)));
        Assert.Equal(before, rig[1]);
        Assert.Equal(1, rig.Decide().Replica);
        rig.SetEligible(0, Ineligible.No);
        rig.Decide();
        Assert.Equal((0, 0L), (rig.Candidates[0].InFlight, rig.Candidates[0].PrefillTokens));
    }

    [Fact]
    public void A_full_pool_finds_no_replica_until_a_request_ends()
    {
        var rig = new PoolRig("least-outstanding", 2);
        var last = default(RouteTicket);
        for (var i = 0; i < PoolState.InFlightMax; i++)
        {
            last = rig.SendTo(i % 2);
        }

        Assert.False(rig.Decide().Found);
        var before = rig[0].InFlight;
        Assert.Throws<InvariantException>(() => rig.SendTo(0));
        Assert.Equal(before, rig[0].InFlight);
        rig.End(last);
        Assert.True(rig.Decide().Found);
    }

    [Fact]
    public void A_dispatch_without_a_replica_is_a_bug()
    {
        var rig = new PoolRig("penstock", 1);
        Assert.Throws<InvariantException>(() => rig.SendTo(-1));
        Assert.Equal(0, rig.State.InFlight);
    }

    [Fact]
    public void A_lost_cache_is_forgotten()
    {
        var rig = new PoolRig("penstock", 2);
        var chain = PoolRig.Chain(1, 10);
        rig.SendTo(0, chain: chain);
        rig.SendTo(1, chain: chain);
        Assert.Equal(10, rig.State.Index.CountOf(0));
        rig.State.Apply(PoolEvent.CacheLost(default, 0));
        Assert.Equal(0, rig.State.Index.CountOf(0));
        Assert.Equal(10, rig.State.Index.CountOf(1));
    }

    [Fact]
    public void What_the_engine_reports_is_kept_beside_what_is_counted()
    {
        var rig = new PoolRig("penstock", 1);
        rig.Report(0, running: 7, waiting: 3, usage: 0.5, slots: 16);
        Assert.Equal(new EngineLoad(7, 3, 0.5, 16), rig[0].Reported);
        Assert.Equal(0, rig[0].InFlight);
    }

    [Theory]
    [InlineData(2_000)]
    [InlineData(30_000)]
    public void The_prefill_rate_moves_towards_what_was_measured(double measured)
    {
        var rig = new PoolRig("penstock", 1);
        var off = Math.Abs(rig[0].PrefillRate - measured);
        for (var i = 0; i < 30; i++)
        {
            rig.Teach(0, measured, 0.02, answers: 1);
            var now = Math.Abs(rig[0].PrefillRate - measured);
            Assert.True(now < off);
            off = now;
        }

        Assert.InRange(rig[0].PrefillRate, measured * 0.98, measured * 1.02);
        Assert.Equal(30, rig[0].Measured);
    }

    [Theory]
    [InlineData(0.005)]
    [InlineData(0.1)]
    public void The_time_per_token_moves_towards_what_was_measured(double measured)
    {
        var rig = new PoolRig("penstock", 1);
        rig.Teach(0, 8_000, measured, answers: 150);
        Assert.InRange(rig[0].SecondsPerToken, measured * 0.98, measured * 1.02);
    }

    [Fact]
    public void The_prefill_rate_counts_the_queue_that_was_worked_off_before()
    {
        var rig = new PoolRig("penstock", 1);
        for (var i = 0; i < 40; i++)
        {
            var first = rig.SendTo(0, 4_000, at: i * 10);
            var second = rig.SendTo(0, 4_000, at: i * 10);
            rig.FirstToken(first, (i * 10) + 1);
            rig.FirstToken(second, (i * 10) + 2);
            rig.End(first);
            rig.End(second);
        }

        Assert.InRange(rig[0].PrefillRate, 3_900, 4_100);
    }

    [Fact]
    public void What_every_request_waits_for_is_not_taken_for_a_slow_prefill()
    {
        var rig = new PoolRig("penstock", 1);
        for (var i = 0; i < 100; i++)
        {
            var tokens = i % 2 == 0 ? 50 : 100_000;
            var ticket = rig.SendTo(0, tokens, at: i * 20);
            rig.FirstToken(ticket, (i * 20) + 0.05 + (tokens / 20_000.0));
            rig.End(ticket, at: (i * 20) + 10);
        }

        Assert.InRange(rig[0].PrefillRate, 19_500, 20_500);
    }

    [Fact]
    public void A_replica_that_showed_little_is_taken_for_an_average_one()
    {
        var rig = new PoolRig("penstock", 3);
        rig.Teach(0, 30_000, 0.02);
        rig.Teach(1, 30_000, 0.02);
        Assert.InRange(rig[2].PrefillRate, 25_000, 30_500);
    }

    [Fact]
    public void First_tokens_that_are_heard_of_in_bunches_do_not_make_a_replica_look_fast_or_slow()
    {
        // Ten requests at a time, long and short, at 20,000 tokens a second; a stalled machine hears every two seconds.
        var rig = new PoolRig("penstock", 2);
        rig.Teach(1, 20_000, 0.02);
        for (var round = 0; round < 40; round++)
        {
            var computed = 0;
            var sent = Enumerable.Range(0, 10).Select(i => rig.SendTo(0, (i + 1) * 20_000, at: round * 100)).ToList();
            for (var i = 0; i < sent.Count; i++)
            {
                computed += (i + 1) * 20_000;
                rig.FirstToken(sent[i], (round * 100) + (2 * Math.Ceiling(computed / 20_000.0 / 2)));
            }

            sent.ForEach(ticket => rig.End(ticket, at: (round * 100) + 60));
        }

        Assert.InRange(rig[0].PrefillRate, 15_000, 25_000);
        Assert.InRange(rig[1].PrefillRate, 15_000, 25_000);
    }

    [Fact]
    public void Noise_does_not_tell_like_replicas_apart()
    {
        var rig = new PoolRig("penstock", 4);
        var rng = new Rng(7);
        for (var i = 0; i < 2_000; i++)
        {
            var tokens = 200 + rng.NextInt32(60_000);
            var ticket = rig.SendTo(i % 4, tokens, at: i * 10);
            rig.FirstToken(ticket, (i * 10) + (tokens / 20_000.0) + (rng.NextInt32(1_000) / 500.0));
            rig.End(ticket, at: (i * 10) + 8);
        }

        for (var replica = 0; replica < 4; replica++)
        {
            Assert.Equal(rig[0].PrefillRate, rig[replica].PrefillRate);
            Assert.InRange(rig[replica].PrefillRate, 15_000, 25_000);
        }
    }

    [Fact]
    public void One_impossible_answer_does_not_make_a_replica_look_like_a_miracle()
    {
        var rig = new PoolRig("penstock", 2);
        var ticket = rig.SendTo(0, 100_000);
        rig.FirstToken(ticket, 0.000_000_1);
        rig.End(ticket, RouteEnd.Completed, 0.000_000_2, output: 4_000);
        Assert.InRange(rig[0].PrefillRate, 10, 1_000_000);
        Assert.InRange(rig[0].SecondsPerToken, 0.000_1, 0.02);
    }

    [Theory]
    [InlineData(RouteEnd.Cancelled)]
    [InlineData(RouteEnd.Failed)]
    public void Nothing_is_learned_from_an_answer_that_was_not_completed(RouteEnd end)
    {
        var rig = new PoolRig("penstock", 1);
        var before = rig[0];
        var ticket = rig.SendTo(0, 100);
        rig.FirstToken(ticket, 1);
        rig.End(ticket, end, 100, prompt: 1_000, output: 100);
        Assert.Equal(
            (before.PrefillRate, before.SecondsPerToken, before.Measured, before.Trust),
            (rig[0].PrefillRate, rig[0].SecondsPerToken, rig[0].Measured, rig[0].Trust));
        Assert.Equal(4, rig.State.Index.UnitsPerToken);
    }

    [Theory]
    [InlineData(3.0)]
    [InlineData(6.5)]
    public void Bytes_per_token_move_towards_what_engines_report(double measured)
    {
        var rig = new PoolRig("penstock", 1);
        for (var i = 0; i < 120; i++)
        {
            rig.End(rig.SendTo(0, bytes: (long)(1_000 * measured)), prompt: 1_000);
        }

        Assert.InRange(rig.State.Index.UnitsPerToken, measured * 0.98, measured * 1.02);
    }

    [Fact]
    public void A_lying_engine_moves_bytes_per_token_only_within_reason()
    {
        var rig = new PoolRig("penstock", 1);
        for (var i = 0; i < 500; i++)
        {
            rig.End(rig.SendTo(0, bytes: 1_000_000), prompt: 64);
        }

        Assert.InRange(rig.State.Index.UnitsPerToken, 15.9, 16);
        for (var i = 0; i < 500; i++)
        {
            rig.End(rig.SendTo(0, bytes: 1), prompt: long.MaxValue);
        }

        Assert.InRange(rig.State.Index.UnitsPerToken, 0.5, 0.51);
    }

    [Fact]
    public void One_absurd_report_changes_little_of_what_is_expected()
    {
        var rig = new PoolRig("penstock", 2);
        rig.Teach(0, 8_000, 0.02);
        var (prefill, pace, output) = (rig[1].PrefillRate, rig[0].SecondsPerToken, Output(rig));
        var ticket = rig.SendTo(0, 1_000, at: 10_000);
        rig.FirstToken(ticket, 10_000.2);
        rig.End(ticket, at: 10_002, prompt: 1L << 40, output: 1L << 40, cached: 0);
        rig.Teach(1, 8_000, 0.02, answers: 1);
        Assert.InRange(Output(rig), output, output + 2_000);
        Assert.InRange(rig[0].PrefillRate, prefill * 0.9, prefill * 1.1);
        Assert.InRange(rig[1].PrefillRate, prefill * 0.9, prefill * 1.1);
        Assert.InRange(rig[0].SecondsPerToken, pace * 0.9, pace * 1.1);
    }

    /// <summary>Nothing of a prompt was computed, where requests of the pool wait for their prefill alone.</summary>
    [Fact]
    public void A_prompt_that_was_cached_whole_leaves_a_replica_its_own_pace()
    {
        var rig = new PoolRig("penstock", 2);
        Show(rig, 0, 8_000, 0, 60);
        Show(rig, 1, 8_000, 10_000, 60);
        var ticket = rig.SendTo(0, 1_000, at: 20_000);
        rig.FirstToken(ticket, 20_000.1);
        rig.End(ticket, at: 20_001, prompt: 1_000, cached: 1_000);
        for (var i = 0; i < 60; i++)
        {
            Show(rig, 0, 2_000, 20_100 + (i * 60), 2);
            Show(rig, 1, 8_000, 20_100 + (i * 60), 2);
        }

        Assert.True(rig[0].PrefillRate < rig[1].PrefillRate / 2, $"{rig[0].PrefillRate}, {rig[1].PrefillRate}");
    }

    /// <summary>Answers without a wait beyond their prefill, short ones a little faster than that.</summary>
    private static void Show(PoolRig rig, int replica, double rate, double from, int answers)
    {
        for (var i = 0; i < answers; i++)
        {
            var tokens = i % 2 == 0 ? 40_000 : 4_000;
            var at = from + (i * 30);
            var ticket = rig.SendTo(replica, tokens, at);
            rig.FirstToken(ticket, at + (tokens / rate) - (i % 2 == 0 ? 0 : 400 / rate));
            rig.End(ticket, at: at + 25, output: 50);
        }
    }

    private static long Output(PoolRig rig) => rig.Decide().OutputTokens;

    private static (int, int, long, long) Load(PoolRig rig) =>
        (rig[0].InFlight, rig[0].Prefilling, rig[0].PrefillTokens, rig[0].DecodeTokens);
}
