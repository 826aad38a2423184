using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

/// <summary>Requests whose answers come in one piece: nobody tells when their prefill is done. A replica computes 8,000
/// tokens a second before anything was measured.</summary>
public class WholeAnswerTests
{
    [Fact]
    public void One_counts_as_decode_once_its_first_token_was_due()
    {
        var rig = new PoolRig("penstock", 1);
        var ticket = rig.SendTo(0, 8_000, whole: true);
        rig.Decide(at: 0.9);
        Assert.Equal((1, 8_000L, 0L), Loads(rig));
        rig.Decide(at: 1.1);
        Assert.Equal((0, 0L, 8_100L), Loads(rig));
        rig.End(ticket, at: 5, output: 200);
        Assert.Equal((0, 0L, 0L), Loads(rig));
    }

    [Fact]
    public void They_are_due_in_the_order_of_their_prefills_whatever_ends_before()
    {
        var rig = new PoolRig("penstock", 1);
        RouteTicket[] sent = [.. Enumerable.Range(0, 9).Select(_ => rig.SendTo(0, 8_000, whole: true))];
        rig.End(sent[0], RouteEnd.Cancelled, at: 0.1);
        rig.End(sent[4], RouteEnd.Cancelled, at: 0.1);
        for (var second = 1; second <= 9; second++)
        {
            rig.Decide(at: second + 0.01);
            var due = sent[..second].Count(t => t != sent[0] && t != sent[4]);
            Assert.Equal((7 - due, (7 - due) * 8_000L, due * 8_100L), Loads(rig));
        }
    }

    /// <summary>A long answer in one piece says nothing of how its replica does.</summary>
    [Fact]
    public void A_replica_that_holds_the_prompt_is_not_passed_over_because_of_one_long_answer()
    {
        var chain = PoolRig.Chain(1, 100);
        var rig = new PoolRig("penstock", 2);
        rig.Hold(0, chain, 100);
        rig.SendTo(0, 1_000, at: 1, whole: true);
        var decision = rig.Decide(6_400, chain, at: 5);
        Assert.Equal(0, decision.Replica);
        Assert.Equal(0, rig.Candidates[0].Terms[0]);
    }

    /// <summary>Streams that do not begin still show that their replica is late, and the more so while nothing else
    /// comes from it.</summary>
    [Fact]
    public void Streams_beside_them_show_a_late_replica_as_before()
    {
        double Queue(bool whole, double ends)
        {
            var rig = new PoolRig("penstock", 1);
            rig.SendTo(0, 1_000, at: 0);
            rig.SendTo(0, 1_000, at: 0);
            var other = rig.SendTo(0, 100, at: 0, whole: whole);
            rig.Decide(at: 2);
            if (ends > 0)
            {
                rig.End(other, at: ends, output: 50);
            }

            rig.Decide(at: 4);
            return rig.Candidates[0].Terms[0];
        }

        Assert.True(Queue(whole: true, ends: 0) > 5);
        Assert.True(Queue(whole: true, ends: 3.9) < 1, $"{Queue(whole: true, ends: 3.9)}");
    }

    /// <summary>What is left of a stream's prefill behind one is all of its own, once that one is taken to be done.
    /// </summary>
    [Fact]
    public void The_time_that_one_took_is_not_taken_off_the_prefill_behind_it()
    {
        var rig = new PoolRig("penstock", 1);
        rig.SendTo(0, 8_000, whole: true);
        rig.SendTo(0, 8_000);
        rig.Decide(at: 1);
        Assert.Equal(1, rig.Candidates[0].Terms[0], 0.001);
        rig.Decide(at: 1.5);
        Assert.Equal(0.5, rig.Candidates[0].Terms[0], 0.001);
    }

    /// <summary>Where nobody streams, they are all there is to learn from: 500 tokens a second and 40 ms a token.
    /// </summary>
    [Fact]
    public void Rates_are_learned_from_them_where_nothing_else_teaches()
    {
        var rig = new PoolRig("penstock", 1);
        var rng = new Rng(3);
        var now = 0.0;
        for (var i = 0; i < 2_000; i++)
        {
            var (prompt, output) = (200 + rng.NextInt32(12_000), 10 + rng.NextInt32(400));
            var ticket = rig.SendTo(0, prompt, now, whole: true);
            now += (prompt / 500.0) + (output * 0.040);
            rig.End(ticket, at: now, prompt: prompt, output: output, cached: 0);
        }

        Assert.InRange(rig[0].PrefillRate, 400, 650);
        Assert.InRange(rig.State.Decoding.Alone, 0.030, 0.050);
    }

    /// <summary>Their times are a guess beside those of streams.</summary>
    [Fact]
    public void Beside_streams_they_teach_nothing()
    {
        var rig = new PoolRig("penstock", 1);
        rig.Teach(0, 8_000, 0.020);
        var before = rig[0].PrefillRate;
        for (var i = 0; i < 15; i++)
        {
            rig.End(rig.SendTo(0, 4_000, 1_000 + i, whole: true), at: 1_000 + i + 0.9, output: 200);
        }

        Assert.Equal(before, rig[0].PrefillRate);
    }

    [Fact]
    public void A_first_token_that_is_told_all_the_same_counts_once()
    {
        var rig = new PoolRig("penstock", 1);
        var early = rig.SendTo(0, 8_000, whole: true);
        rig.FirstToken(early, 0.5);
        Assert.Equal((0, 0L, 8_100L), Loads(rig));
        rig.Decide(at: 3);
        var late = rig.SendTo(0, 8_000, at: 3, whole: true);
        rig.Decide(at: 5);
        rig.FirstToken(late, 6);
        Assert.Equal((0, 0L, 16_200L), Loads(rig));
        rig.End(early, at: 7);
        rig.End(late, at: 7);
        Assert.Equal((0, 0L, 0L), Loads(rig));
    }

    private static (int Prefilling, long PrefillTokens, long DecodeTokens) Loads(PoolRig rig) =>
        (rig[0].Prefilling, rig[0].PrefillTokens, rig[0].DecodeTokens);
}
