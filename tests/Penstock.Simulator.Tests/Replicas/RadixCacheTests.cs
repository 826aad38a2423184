using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

public sealed class RadixCacheTests
{
    [Fact]
    public void Every_token_of_a_prompt_is_found_but_the_last()
    {
        var rig = Rig(100);
        rig.Serve(1, Tokens('a', 20), 1);

        Assert.Equal(18, rig.Serve(2, Tokens('a', 20), 1));
    }

    [Fact]
    public void The_next_turn_finds_prompt_and_answer_except_for_the_token_never_computed()
    {
        var rig = Rig(100);
        rig.Serve(1, Tokens('a', 20), 7);

        Assert.Equal(19, rig.Serve(2, Tokens('a', 30), 1));
    }

    [Fact]
    public void Prompts_share_to_the_token_where_they_part()
    {
        var rig = Rig(100);
        rig.Serve(1, [.. Tokens('a', 13), .. Tokens('b', 8)], 1);

        Assert.Equal(13, rig.Serve(2, [.. Tokens('a', 13), .. Tokens('c', 8)], 1));
        Assert.Equal(20 + 7, rig.Resident.Count);
    }

    [Fact]
    public void A_leaf_is_lost_whole_and_the_trunk_stays()
    {
        // 13 shared, two branches of 7; 40 - 27 = 13 tokens are free, and 15 are needed.
        var rig = Rig(40);
        rig.Serve(1, [.. Tokens('a', 13), .. Tokens('b', 8)], 1);
        rig.Serve(2, [.. Tokens('a', 13), .. Tokens('c', 8)], 1);

        rig.Serve(3, Tokens('d', 16), 1);

        Assert.Equal(13 + 7 + 15, rig.Resident.Count);
        Assert.Equal(13, rig.Serve(4, [.. Tokens('a', 13), .. Tokens('b', 2)], 1));
    }

    [Fact]
    public void What_a_request_uses_is_not_lost()
    {
        var rig = Rig(40);
        rig.Serve(1, Tokens('a', 16), 1);
        rig.Submit(2, 15, 20, PromptChain.Of(Tokens('a', 35), 1));
        rig.Step();
        rig.Submit(3, 20, 1, PromptChain.Of(Tokens('b', 21), 1));
        rig.RunToEnd();

        // 15 + 20 tokens and 21 do not fit together: the third waits, and the second is never robbed.
        Assert.Equal(0, rig.Model.Counters.Preemptions);
        Assert.True(rig.Single(3, EngineEventKind.Scheduled).At >= rig.Of(2).Last().At
            || rig.Single(3, EngineEventKind.Finished).At < rig.Single(2, EngineEventKind.Finished).At);
    }

    [Fact]
    public void Two_that_compute_the_same_at_once_leave_it_once()
    {
        var rig = Rig(100);
        rig.Submit(1, 20, 5, PromptChain.Of(Tokens('a', 25), 1));
        rig.Submit(2, 20, 5, PromptChain.Of(Tokens('a', 25), 1));
        rig.Step();

        Assert.Equal(20, rig.Resident.Count);
        Assert.Equal(22, rig.Model.Counters.KvBlocksUsed);
        rig.RunToEnd();
        Assert.Equal(24, rig.Resident.Count);
        Assert.Equal(0, rig.Model.Counters.KvBlocksUsed);
    }

    [Fact]
    public void A_prompt_is_there_for_others_while_its_answer_is_written_and_the_answer_is_not()
    {
        var rig = Rig(100);
        rig.Submit(1, 20, 30, PromptChain.Of(Tokens('a', 50), 1));
        for (var step = 0; step < 6; step++)
        {
            rig.Step();
        }

        Assert.Equal(20, rig.Resident.Count);
        Assert.Equal(26, rig.Model.Counters.KvBlocksUsed);
        rig.Model.Cancel(1, rig.Now);
        rig.Listen();
        Assert.Equal(25, rig.Resident.Count);
        Assert.Equal(0, rig.Model.Counters.KvBlocksUsed);
    }

    private static EngineRig Rig(int tokens) =>
        new(EngineRig.Profile(kvBlocks: tokens, blockSize: 1, budget: 64, cache: CacheKind.Radix));

    private static uint[] Tokens(char family, int count) =>
        [.. Enumerable.Range(0, count).Select(at => ((uint)family << 16) + (uint)at)];
}
