using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

public sealed class PrefixCacheTests
{
    [Fact]
    public void A_prompt_that_was_there_before_is_found_except_for_its_last_token()
    {
        var rig = new EngineRig(EngineRig.Profile());
        var chain = EngineRig.Chain(1, 4);
        rig.Submit(1, 16, 1, chain);
        rig.RunToEnd();

        rig.Submit(2, 16, 1, chain);
        rig.RunToEnd();

        // Four blocks hold the prompt; the last is computed again, for its logits.
        Assert.Equal(12, rig.Single(2, EngineEventKind.Scheduled).Tokens);
        Assert.Equal(32, rig.Model.Counters.PrefixQueries);
        Assert.Equal(12, rig.Model.Counters.PrefixHits);
    }

    [Fact]
    public void The_next_turn_finds_the_answer_of_the_last_one()
    {
        var rig = new EngineRig(EngineRig.Profile());
        var chain = EngineRig.Chain(1, 10);
        rig.Submit(1, 16, 9, chain);
        rig.RunToEnd();

        rig.Submit(2, 32, 1, chain);
        rig.RunToEnd();

        // 16 + 9 tokens, of which the last was never computed: six full blocks.
        Assert.Equal(24, rig.Single(2, EngineEventKind.Scheduled).Tokens);
    }

    [Fact]
    public void Two_requests_at_once_share_the_blocks_of_their_prefix()
    {
        var rig = new EngineRig(EngineRig.Profile(budget: 64));
        var chain = EngineRig.Chain(1, 4);
        rig.Submit(1, 17, 30, chain);
        rig.Step();
        var alone = rig.Model.Counters.KvBlocksUsed;

        rig.Submit(2, 17, 30, chain);
        rig.Step();

        Assert.Equal(5, alone);
        Assert.Equal(6, rig.Model.Counters.KvBlocksUsed);
        rig.RunToEnd();
        Assert.Equal(0, rig.Model.Counters.KvBlocksUsed);
    }

    [Fact]
    public void The_least_recently_used_prefix_is_lost_first()
    {
        // 12 blocks; each prompt takes 4 and leaves them cached.
        var rig = new EngineRig(EngineRig.Profile(kvBlocks: 12));
        foreach (var id in new[] { 1, 2, 3 })
        {
            rig.Submit(id, 16, 1, EngineRig.Chain(id, 4));
            rig.RunToEnd();
        }

        rig.Submit(4, 16, 1, EngineRig.Chain(1, 4));
        rig.RunToEnd();
        rig.Submit(5, 16, 1, EngineRig.Chain(9, 4));
        rig.RunToEnd();
        rig.Submit(6, 16, 1, EngineRig.Chain(1, 4));
        rig.RunToEnd();
        rig.Submit(7, 16, 1, EngineRig.Chain(2, 4));
        rig.RunToEnd();

        Assert.Equal(12, rig.Single(6, EngineEventKind.Scheduled).Tokens);
        Assert.Equal(0, rig.Single(7, EngineEventKind.Scheduled).Tokens);
    }

    [Fact]
    public void The_start_of_a_prefix_outlives_its_end()
    {
        // 8 blocks; the first prompt leaves 4 cached, the second takes the 4 others and 2 of those.
        var rig = new EngineRig(EngineRig.Profile(kvBlocks: 8));
        rig.Submit(1, 16, 1, EngineRig.Chain(1, 4));
        rig.RunToEnd();
        rig.Submit(2, 24, 1, EngineRig.Chain(2, 6));
        rig.RunToEnd();

        rig.Submit(3, 16, 1, EngineRig.Chain(1, 4));
        rig.RunToEnd();

        Assert.Equal(8, rig.Single(3, EngineEventKind.Scheduled).Tokens);
    }

    [Fact]
    public void Prompts_that_differ_in_their_first_block_share_nothing()
    {
        var chain = PromptChain.Of([1, 2, 3, 4, 5, 6, 7, 8, 9], 4);
        var same = PromptChain.Of([1, 2, 3, 4, 5, 6, 7, 8, 10], 4);
        var other = PromptChain.Of([0, 2, 3, 4, 5, 6, 7, 8, 9], 4);
        var salted = PromptChain.Of([1, 2, 3, 4, 5, 6, 7, 8, 9], 4, salt: 7);

        Assert.Equal(2, chain.Length);
        Assert.Equal(chain, same);
        Assert.Empty(chain.Intersect(other));
        Assert.Empty(chain.Intersect(salted));
    }
}
