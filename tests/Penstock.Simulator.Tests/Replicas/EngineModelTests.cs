using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

public sealed class EngineModelTests
{
    [Fact]
    public void First_token_of_a_lone_request_takes_what_the_prefill_formula_says()
    {
        var profile = ProfileCatalog.Find("h100-qwen3-32b")!;
        var rig = new EngineRig(profile);

        rig.Submit(1, 4000, 3);
        rig.RunToEnd();

        // 14.989 + 0.03582 x (4000 - 256 tokens under the knee)
        Assert.Equal(149.09908, rig.Milliseconds(1, EngineEventKind.FirstToken), 3);

        // then 14.989 + 0.10161 x 1 sequence + 3.447e-5 x 4001, and x 4002 tokens of context
        Assert.Equal(149.09908 + (2 * 15.09059) + (3.447e-5 * 8003), rig.Milliseconds(1, EngineEventKind.Finished), 3);
    }

    [Fact]
    public void A_prompt_longer_than_the_budget_is_computed_in_chunks()
    {
        var rig = new EngineRig(EngineRig.Profile(budget: 32));

        rig.Submit(1, 80, 1);
        rig.RunToEnd();

        // Chunks of 32, 32 and 16 tokens.
        Assert.Equal(3, rig.Model.Counters.Steps);
        Assert.Equal(13.2 + 13.2 + 11.6, rig.Milliseconds(1, EngineEventKind.FirstToken), 6);
    }

    [Fact]
    public void Decoding_goes_on_while_a_long_prompt_is_computed()
    {
        var rig = new EngineRig(EngineRig.Profile(budget: 32));
        rig.Submit(1, 8, 20);
        rig.Step();

        rig.Submit(2, 100, 1);
        rig.Step();
        rig.Step();
        rig.Step();

        // The step that was under way began without the second request; the next ones hold both.
        Assert.Equal(4, rig.Of(1).Count(e => e.Kind is EngineEventKind.Token or EngineEventKind.FirstToken));
        Assert.DoesNotContain(rig.Of(2), e => e.Kind == EngineEventKind.FirstToken);
        rig.RunToEnd();
        Assert.Contains(rig.Of(2), e => e.Kind == EngineEventKind.Finished);
    }

    [Fact]
    public void Requests_beyond_the_sequence_limit_wait_in_order_of_arrival()
    {
        var rig = new EngineRig(EngineRig.Profile(sequences: 2, budget: 64));
        for (var id = 1; id <= 4; id++)
        {
            rig.Submit(id, 4, 2 * id);
        }

        Assert.Equal(1, rig.Model.Counters.Running);
        Assert.Equal(3, rig.Model.Counters.Waiting);
        rig.Step();
        Assert.Equal(2, rig.Model.Counters.Running);
        rig.RunToEnd();

        var scheduled = rig.Events.Where(e => e.Kind == EngineEventKind.Scheduled).Select(e => e.RequestId);
        Assert.Equal([1L, 2, 3, 4], scheduled);
        Assert.True(rig.Single(3, EngineEventKind.Scheduled).At >= rig.Single(1, EngineEventKind.Finished).At);
    }

    [Fact]
    public void A_full_queue_refuses_and_a_prompt_beyond_the_window_is_refused()
    {
        var rig = new EngineRig(EngineRig.Profile(sequences: 1) with { WaitingMax = 2 });

        Assert.Equal(SubmitVerdict.TooLong, rig.Submit(9, 250, 7));
        Assert.Equal(SubmitVerdict.Accepted, rig.Submit(1, 4, 4));
        Assert.Equal(SubmitVerdict.Accepted, rig.Submit(2, 4, 4));
        Assert.Equal(SubmitVerdict.Accepted, rig.Submit(3, 4, 4));
        Assert.Equal(SubmitVerdict.QueueFull, rig.Submit(4, 4, 4));
        rig.RunToEnd();
        Assert.Equal(3, rig.Model.Counters.Finished);
    }

    [Fact]
    public void The_youngest_loses_its_memory_and_comes_back_with_what_it_had_said()
    {
        // 10 blocks of 4: two prompts of 16 take 8, and the two answers need more than the 2 that are left.
        var rig = new EngineRig(EngineRig.Profile(kvBlocks: 10, budget: 64));
        rig.Submit(1, 16, 20);
        rig.Submit(2, 16, 20);
        rig.RunToEnd();

        Assert.DoesNotContain(rig.Of(1), e => e.Kind == EngineEventKind.Preempted);
        var preempted = rig.Of(2).First(e => e.Kind == EngineEventKind.Preempted);
        Assert.InRange(preempted.Tokens, 1, 19);
        var tokens = rig.Of(2).Where(e => e.Kind is EngineEventKind.FirstToken or EngineEventKind.Token);
        Assert.Equal(Enumerable.Range(1, 20), tokens.Select(e => e.Tokens));
        Assert.True(rig.Single(2, EngineEventKind.Finished).At > rig.Single(1, EngineEventKind.Finished).At);
        Assert.True(rig.Model.Counters.Preemptions >= 1);
        Assert.Equal(40, rig.Model.Counters.GenerationTokens);
    }

    [Fact]
    public void A_step_that_took_memory_away_lets_nobody_in()
    {
        var rig = new EngineRig(EngineRig.Profile(kvBlocks: 10, budget: 8));
        rig.Submit(1, 16, 20, []);
        rig.Submit(2, 16, 20, []);

        while (rig.Events.All(e => e.Kind != EngineEventKind.Preempted))
        {
            rig.Step();
        }

        // The first chunk of the one that lost would fit into what it gave back.
        Assert.Equal(1, rig.Model.Counters.Running);
        Assert.Equal(1, rig.Model.Counters.Waiting);
    }

    [Fact]
    public void Who_lost_its_memory_comes_back_before_those_who_came_later()
    {
        var rig = new EngineRig(EngineRig.Profile(kvBlocks: 10, budget: 64, sequences: 2));
        rig.Submit(1, 16, 20, []);
        rig.Submit(2, 16, 20, []);
        rig.Submit(3, 4, 1, []);
        rig.RunToEnd();

        Assert.Contains(rig.Of(2), e => e.Kind == EngineEventKind.Preempted);
        Assert.True(rig.Single(3, EngineEventKind.Scheduled).At >= rig.Single(1, EngineEventKind.Finished).At);
    }

    [Fact]
    public void A_cancelled_request_gives_its_memory_back_at_once_and_is_never_heard_of_again()
    {
        var rig = new EngineRig(EngineRig.Profile());
        rig.Submit(1, 30, 10);
        rig.Submit(2, 30, 10);
        rig.Step();
        rig.Step();
        Assert.True(rig.Model.Counters.KvBlocksUsed >= 16);
        rig.Events.Clear();

        Assert.True(rig.Model.Cancel(1, rig.Now));
        Assert.True(rig.Model.Cancel(2, rig.Now));
        Assert.Equal(0, rig.Model.Counters.KvBlocksUsed);
        Assert.Equal(0, rig.Model.Counters.Running);
        Assert.False(rig.Model.Cancel(1, rig.Now));
        rig.RunToEnd();

        Assert.Empty(rig.Events);
        Assert.Equal(2, rig.Model.Counters.Cancelled);
        Assert.Null(rig.Model.NextStepEnd);
    }

    [Fact]
    public void A_waiting_request_can_be_cancelled()
    {
        var rig = new EngineRig(EngineRig.Profile(sequences: 1));
        rig.Submit(1, 4, 4);
        rig.Submit(2, 4, 4);
        rig.Submit(3, 4, 4);

        Assert.True(rig.Model.Cancel(2, rig.Now));
        rig.RunToEnd();

        Assert.Empty(rig.Of(2));
        Assert.Contains(rig.Of(3), e => e.Kind == EngineEventKind.Finished);
    }

    [Fact]
    public void A_slow_replica_takes_as_many_times_as_long()
    {
        var rig = new EngineRig(EngineRig.Profile());
        rig.Model.LatencyFactor = 3;

        rig.Submit(1, 20, 1);
        rig.RunToEnd();

        Assert.Equal(36, rig.Milliseconds(1, EngineEventKind.FirstToken), 6);
    }

    [Fact]
    public void Without_token_reports_only_the_first_and_the_end_are_told_at_the_same_times()
    {
        var full = new EngineRig(EngineRig.Profile());
        var brief = new EngineRig(EngineRig.Profile(), reportsTokens: false);
        foreach (var rig in new[] { full, brief })
        {
            rig.Submit(1, 20, 9);
            rig.RunToEnd();
        }

        Assert.Equal(full.Events.Where(e => e.Kind != EngineEventKind.Token), brief.Events);
        Assert.Equal(8, full.Events.Count(e => e.Kind == EngineEventKind.Token));
    }

    [Fact]
    public void One_leap_gives_the_same_events_as_many_steps()
    {
        var steps = new EngineRig(EngineRig.Profile());
        var leap = new EngineRig(EngineRig.Profile());
        foreach (var rig in new[] { steps, leap })
        {
            rig.Submit(1, 20, 9);
            rig.Submit(2, 33, 5);
        }

        steps.RunToEnd();
        leap.AdvanceTo(Instant.FromSeconds(60));

        Assert.NotEmpty(leap.Events);
        Assert.Equal(steps.Events, leap.Events);
    }

    [Fact]
    public void More_load_than_it_can_take_makes_the_queue_grow_and_the_throughput_level_off()
    {
        // 8 sequences, 10 tokens each, 10 ms a step: 80 requests a second is far beyond what 8 places give.
        var rig = new EngineRig(EngineRig.Profile(kvBlocks: 512));
        var finishedAt = new List<long>();
        for (var i = 0; i < 800; i++)
        {
            rig.AdvanceTo(new Instant(i * 2_000_000L));
            Assert.Equal(SubmitVerdict.Accepted, rig.Submit(i, 4, 10));
            if (i % 200 == 199)
            {
                finishedAt.Add(rig.Model.Counters.Finished);
            }
        }

        Assert.Equal(8, rig.Model.Counters.Running);
        Assert.True(rig.Model.Counters.Waiting > 400);
        var later = finishedAt[3] - finishedAt[2];
        Assert.InRange(later, (finishedAt[2] - finishedAt[1]) - 8, (finishedAt[2] - finishedAt[1]) + 8);
        rig.RunToEnd();
        Assert.Equal(800, rig.Model.Counters.Finished);
    }

    [Fact]
    public void Going_back_in_time_is_a_broken_invariant()
    {
        var rig = new EngineRig(EngineRig.Profile());
        rig.AdvanceTo(Instant.FromSeconds(1));

        Assert.Throws<InvariantException>(() => rig.Model.Advance(Instant.Zero));
    }
}
