using System.Buffers;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Core.Routing.Policies;

namespace Penstock.Core.Tests.Routing.Policies;

/// <summary>Rules that look at load alone, and what all rules reckon with.</summary>
public class LoadPolicyTests
{
    [Fact]
    public void Weighted_random_draws_in_proportion_to_the_measured_rates()
    {
        var rig = new PoolRig("weighted-random", 2);
        for (var i = 0; i < 100; i++)
        {
            rig.Teach(0, prefillRate: 2_000, secondsPerToken: 0.02, answers: 2);
            rig.Teach(1, prefillRate: 6_000, secondsPerToken: 0.02, answers: 2);
        }

        // One in four of 4,000 draws: a standard deviation of 27.
        Assert.InRange(rig.Count(4_000)[0], 860, 1_140);
    }

    [Fact]
    public void Vllm_dp_counts_a_waiting_request_as_four_running_ones()
    {
        var rig = new PoolRig("vllm-dp", 2);
        rig.Report(0, running: 3, waiting: 1);
        rig.Report(1, running: 6, waiting: 0);
        Assert.All(Enumerable.Range(0, 4), _ => Assert.Equal(1, rig.Decide().Replica));
        rig.Report(1, running: 8, waiting: 0);
        Assert.All(Enumerable.Range(0, 4), _ => Assert.Equal(0, rig.Decide().Replica));
    }

    [Fact]
    public void Vllm_dp_counts_what_it_sent_since_the_report_as_waiting()
    {
        var rig = new PoolRig("vllm-dp", 2);
        rig.Report(0, running: 0, waiting: 0);
        rig.Report(1, running: 3, waiting: 0);
        Assert.Equal(0, rig.Decide().Replica);
        rig.SendTo(0);
        Assert.Equal(1, rig.Decide().Replica);
        rig.Report(0, running: 1, waiting: 0);
        Assert.Equal(0, rig.Decide().Replica);
    }

    [Fact]
    public void Vllm_dp_breaks_ties_from_a_place_that_moves_on()
    {
        var rig = new PoolRig("vllm-dp", 3);
        Assert.Equal([0, 1, 2, 0, 1], Enumerable.Range(0, 5).Select(_ => rig.Decide().Replica));
    }

    [Fact]
    public void Slots_without_a_replica_get_no_share_of_the_ties()
    {
        var rig = new PoolRig("vllm-dp", 4);
        rig.SetEligible(1, Ineligible.Absent);
        rig.SetEligible(2, Ineligible.Absent);
        rig.SetEligible(3, Ineligible.NotHealthy);
        rig.Decide();
        rig.SetEligible(3, Ineligible.No);
        Assert.Equal([100, 0, 0, 100], rig.Count(200));
    }

    [Fact]
    public void A_place_that_is_none_is_not_read_back()
    {
        var saved = new ArrayBufferWriter<byte>();
        new StateWriter(saved).Write(-1);
        Assert.Throws<InvalidDataException>(() =>
        {
            var from = new StateReader(saved.WrittenSpan);
            RoutePolicies.Create("round-robin")!.Load(ref from);
        });
    }

    [Fact]
    public void A_window_forgets_a_replica_whole()
    {
        var counts = new WindowCounts(TimeSpan.FromSeconds(60));
        counts.Forget(1);
        counts.Add(1, 3, 10, Instant.FromSeconds(2));
        counts.Add(1, 3, 5, Instant.FromSeconds(31));
        counts.Add(2, 3, 7, Instant.FromSeconds(31));
        counts.Forget(1);
        Assert.Equal((0, 7, 7), (counts.Of(1), counts.Of(2), counts.Sum));
        counts.Advance(Instant.FromSeconds(10_000));
        Assert.Equal((0, 0, 0), (counts.Of(1), counts.Of(2), counts.Sum));
    }

    [Theory]
    [InlineData("sglang-cache-aware")]
    [InlineData("vps-session")]
    [InlineData("vps-kv")]
    [InlineData("preble")]
    public void What_the_replica_before_was_sent_is_not_held_against_the_next_in_its_slot(string policy)
    {
        var rig = new PoolRig(policy, 2);
        for (var i = 0; i < 5; i++)
        {
            rig.End(rig.SendTo(0));
            rig.End(rig.SendTo(i % 2));
        }

        Assert.Equal(1, rig.Decide().Replica);
        rig.Tell(PoolEvent.Vacated(default, 0));
        rig.SetEligible(0, Ineligible.No);
        Assert.Equal(0, rig.Decide().Replica);
    }

    [Fact]
    public void An_engine_that_never_reported_is_taken_to_have_what_was_sent_there()
    {
        var rig = new PoolRig("vllm-dp", 2);
        rig.FirstToken(rig.SendTo(0), 1);
        rig.FirstToken(rig.SendTo(0), 1);
        rig.SendTo(1);
        rig.Decide();

        // Two that run; one that waits, which counts four.
        Assert.Equal((0, 2), (rig.Candidates[0].Terms[0], rig.Candidates[0].Terms[1]));
        Assert.Equal((4, 0), (rig.Candidates[1].Terms[0], rig.Candidates[1].Terms[1]));
    }

    [Fact]
    public void Pairs_are_ordered_by_the_first_then_the_second_and_those_behind_stay_in_order()
    {
        const long Large = (1L << 26) - 1;
        double[] ascending =
        [
            -1, Rank.Of(0, 0), Rank.Of(0, Large), Rank.Of(1, 0), Rank.Of(Large, Large - 1), Rank.Of(Large, Large),
            Rank.Behind, Rank.Behind + 1, Rank.Behind + Rank.Of(1, 0), Rank.Behind + Rank.Of(Large, Large - 1),
            Rank.Behind + Rank.Of(Large, Large),
        ];
        Assert.Equal(ascending.Order(), ascending);
        Assert.Equal(ascending.Distinct(), ascending);
        Assert.Equal(Rank.Of(Large, 5), Rank.Of(long.MaxValue, 5));
    }

    [Fact]
    public void A_window_lets_go_of_what_is_older_by_the_slice()
    {
        var counts = new WindowCounts(TimeSpan.FromSeconds(60));
        counts.Add(1, 3, 10, Instant.FromSeconds(2));
        counts.Add(1, 3, 5, Instant.FromSeconds(31));
        counts.Add(2, 3, 7, Instant.FromSeconds(31));
        counts.Advance(Instant.FromSeconds(59.9));
        Assert.Equal((0, 15, 7, 22), (counts.Of(0), counts.Of(1), counts.Of(2), counts.Sum));
        counts.Advance(Instant.FromSeconds(60));
        Assert.Equal((5, 7, 12), (counts.Of(1), counts.Of(2), counts.Sum));
        counts.Advance(Instant.FromSeconds(3));
        Assert.Equal(12, counts.Sum);
        counts.Advance(Instant.FromSeconds(10_000));
        Assert.Equal((0, 0, 0), (counts.Of(1), counts.Of(2), counts.Sum));
    }
}
