using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

public sealed class SlotCacheTests
{
    [Fact]
    public void A_slot_serves_the_prompt_that_begins_like_its_content()
    {
        var rig = Rig();
        rig.Serve(1, Tokens('a', 30), 5);

        Assert.Equal(29, rig.Serve(2, Tokens('a', 40), 1));
        Assert.Equal(0, rig.Serve(3, Tokens('b', 40), 1));
    }

    [Fact]
    public void At_least_one_token_is_computed()
    {
        var rig = Rig();
        rig.Serve(1, Tokens('a', 30), 1);

        Assert.Equal(19, rig.Serve(2, Tokens('a', 21), 1));
    }

    [Fact]
    public void What_lies_beyond_the_common_prefix_is_lost()
    {
        var rig = Rig(slots: 1);
        rig.Serve(1, Tokens('a', 60), 1);
        rig.Serve(2, [.. Tokens('a', 20), .. Tokens('b', 10)], 1);

        Assert.Equal(20, rig.Serve(3, Tokens('a', 60), 1));
    }

    [Theory]
    [InlineData(10, 0)]
    [InlineData(11, 11)]
    public void A_tenth_of_the_prompt_in_common_is_not_enough(int common, int cached)
    {
        // Slot 1 is the first to be taken, so slot 0 has been idle for longer when the second prompt comes.
        var rig = Rig(slots: 2);
        rig.Serve(1, [.. Tokens('a', common), .. Tokens('b', 20)], 1);

        Assert.Equal(cached, rig.Serve(2, [.. Tokens('a', common), .. Tokens('c', 101 - common)], 1));
    }

    [Fact]
    public void The_slot_that_was_idle_for_the_longest_time_is_taken_over()
    {
        var rig = Rig(slots: 2);
        rig.Serve(1, Tokens('a', 30), 1);
        rig.Serve(2, Tokens('b', 30), 1);
        rig.Serve(3, Tokens('a', 30), 1);
        rig.Serve(4, Tokens('c', 30), 1);

        Assert.Equal(28, rig.Serve(5, Tokens('a', 30), 1));
        Assert.Equal(0, rig.Serve(6, Tokens('b', 30), 1));
    }

    [Fact]
    public void Requests_beyond_the_slots_wait()
    {
        var rig = Rig(slots: 2);
        for (var id = 1; id <= 3; id++)
        {
            rig.Submit(id, 10, 4);
        }

        rig.Step();

        Assert.Equal((2, 1), (rig.Model.Counters.Running, rig.Model.Counters.Waiting));
        rig.RunToEnd();
        Assert.True(rig.Single(3, EngineEventKind.Scheduled).At >= rig.Single(1, EngineEventKind.Finished).At);
    }

    [Fact]
    public void A_busy_slot_shares_nothing()
    {
        var rig = Rig(slots: 2);
        rig.Serve(1, Tokens('a', 30), 1);
        rig.Submit(2, 30, 20, PromptChain.Of(Tokens('a', 50), 1));
        rig.Step();
        rig.Submit(3, 30, 1, PromptChain.Of(Tokens('a', 31), 1));
        rig.RunToEnd();

        Assert.Equal(29, rig.Single(2, EngineEventKind.Scheduled).Tokens);
        Assert.Equal(0, rig.Single(3, EngineEventKind.Scheduled).Tokens);
    }

    [Fact]
    public void The_hosts_memory_brings_a_content_back_once()
    {
        var rig = Rig(slots: 1, hostTokens: 1000);
        rig.Serve(1, Tokens('a', 30), 1);
        rig.Serve(2, Tokens('b', 30), 1);

        Assert.Equal(28, rig.Serve(3, Tokens('a', 30), 1));
        Assert.Equal(28, rig.Serve(4, Tokens('b', 30), 1));
    }

    [Fact]
    public void The_oldest_content_leaves_the_hosts_memory_first()
    {
        // 29 tokens each; two fit.
        var rig = Rig(slots: 1, hostTokens: 58);
        foreach (var (family, id) in "abcd".Select((family, at) => (family, at)))
        {
            rig.Serve(id, Tokens(family, 30), 1);
        }

        Assert.Equal(0, rig.Serve(10, Tokens('a', 30), 1));
        Assert.Equal(28, rig.Serve(11, Tokens('c', 30), 1));
    }

    [Fact]
    public void A_saved_content_of_which_little_would_be_used_stays_where_it_is()
    {
        var rig = Rig(slots: 1, hostTokens: 1000);
        rig.Serve(1, Tokens('a', 101), 1);
        rig.Serve(2, Tokens('b', 30), 1);

        Assert.Equal(0, rig.Serve(3, [.. Tokens('a', 24), .. Tokens('c', 10)], 1));
        rig.Serve(4, Tokens('e', 30), 1);
        Assert.Equal(26, rig.Serve(5, [.. Tokens('a', 26), .. Tokens('d', 10)], 1));
    }

    private static EngineRig Rig(int slots = 4, int hostTokens = 0) => new(
        EngineRig.Profile(kvBlocks: slots * 128, blockSize: 1, budget: 64, sequences: slots, cache: CacheKind.Slots)
        with { HostCacheTokens = hostTokens });

    private static uint[] Tokens(char family, int count) =>
        [.. Enumerable.Range(0, count).Select(at => ((uint)family << 16) + (uint)at)];
}
