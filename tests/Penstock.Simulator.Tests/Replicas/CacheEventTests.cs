using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

public sealed class CacheEventTests
{
    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    public void Stored_blocks_carry_their_own_tokens_and_their_parent(CacheKind cache)
    {
        var rig = new EngineRig(EngineRig.Profile(cache: cache));
        uint[] tokens = [.. Enumerable.Range(100, 22).Select(id => (uint)id)];
        rig.Serve(1, tokens, 9);

        // 22 tokens, of which the last was never computed: five blocks of four.
        var chain = PromptChain.Of(tokens, 4);
        Assert.Equal(chain, rig.CacheEvents.SelectMany(told => told.Hashes.ToArray()));
        Assert.Equal(tokens[..20], rig.CacheEvents.SelectMany(told => told.Tokens.ToArray()));
        foreach (var told in rig.CacheEvents)
        {
            var at = Array.IndexOf(chain, told.Hashes.Span[0]);
            Assert.Equal(at == 0 ? null : chain[at - 1], told.Parent);
            Assert.Equal(told.Hashes.Length * 4, told.Tokens.Length);
        }
    }

    [Fact]
    public void A_paged_block_is_known_from_the_step_that_computes_it_and_a_page_of_the_tree_after_it()
    {
        foreach (var (cache, first) in new[] { (CacheKind.Paged, 0L), (CacheKind.Radix, 1L) })
        {
            var rig = new EngineRig(EngineRig.Profile(budget: 8, cache: cache));
            rig.Serve(1, new uint[17], 1);

            Assert.Equal([first, first + 1], rig.CacheEvents.Select(told => told.Step));
            Assert.Equal([2, 2], rig.CacheEvents.Select(told => told.Hashes.Length));
        }
    }

    [Fact]
    public void Each_copy_of_a_paged_block_is_told_of()
    {
        var rig = new EngineRig(EngineRig.Profile(budget: 64));
        var chain = EngineRig.Chain(1, 4);
        rig.Submit(1, 17, 1, chain);
        rig.Submit(2, 17, 1, chain);
        rig.Step();

        // The second finds what the first computes in the same step; a third computes the last block again.
        rig.Submit(3, 16, 1, chain);
        rig.RunToEnd();

        Assert.Equal([.. chain, chain[^1]], rig.CacheEvents.SelectMany(told => told.Hashes.ToArray()));
        Assert.Equal(4, rig.Resident.Count);
    }

    [Fact]
    public void Without_tokens_the_events_have_none()
    {
        var rig = new EngineRig(EngineRig.Profile());
        rig.Submit(1, 16, 1);
        rig.RunToEnd();

        Assert.Equal(4, rig.CacheEvents.Sum(told => told.Hashes.Length));
        Assert.All(rig.CacheEvents, told => Assert.True(told.Tokens.IsEmpty));
    }

    [Fact]
    public void Nobody_is_told_anything_unless_it_was_asked_for()
    {
        var model = new EngineModel(EngineRig.Profile());
        model.Submit(new EngineRequest(1, 16, 1, EngineRig.Chain(1, 4)), Instant.Zero);
        model.Advance(new Instant(1_000_000_000));

        Assert.True(model.TakeCacheEvents().IsEmpty);
    }

    [Fact]
    public void Events_stay_good_after_the_next_ones_are_fetched()
    {
        var rig = new EngineRig(EngineRig.Profile(kvBlocks: 8));
        for (var id = 1; id <= 300; id++)
        {
            rig.Submit(id, 31, 1, EngineRig.Chain(id, 8));
            rig.RunToEnd();
        }

        var removed = rig.CacheEvents.Where(told => told.Kind == CacheEventKind.Removed)
            .SelectMany(told => told.Hashes.ToArray());
        Assert.Equal(299 * 7, removed.Distinct().Count());
    }

    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    [InlineData(CacheKind.Slots)]
    public void Clearing_waits_until_nobody_holds_memory(CacheKind cache)
    {
        var rig = new EngineRig(EngineRig.Profile(cache: cache));
        var chain = EngineRig.Chain(1, 8);
        rig.Submit(1, 16, 9, chain);
        rig.Step();

        Assert.False(rig.Model.TryClearCache(rig.Now));
        rig.RunToEnd();
        Assert.NotEmpty(rig.Resident);
        Assert.True(rig.Model.TryClearCache(rig.Now));
        rig.Listen();

        Assert.Empty(rig.Resident);
        Assert.Equal(cache != CacheKind.Slots, rig.CacheEvents.Exists(told => told.Kind == CacheEventKind.Cleared));
        rig.Submit(2, 16, 9, chain);
        rig.RunToEnd();
        Assert.Equal(0, rig.Single(2, EngineEventKind.Scheduled).Tokens);
    }

    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    [InlineData(CacheKind.Slots)]
    public void A_restart_loses_requests_cache_and_totals_and_tells_nobody(CacheKind cache)
    {
        var rig = new EngineRig(EngineRig.Profile(cache: cache, sequences: 2));
        var chain = EngineRig.Chain(1, 8);
        for (var id = 1; id <= 4; id++)
        {
            rig.Submit(id, 16, 9, chain);
        }

        rig.Step();
        var told = rig.CacheEvents.Count;
        rig.Restart();
        rig.Listen();

        Assert.Null(rig.Model.NextStepEnd);
        Assert.Equal(told, rig.CacheEvents.Count);
        Assert.Empty(rig.Resident);
        var counters = rig.Model.Counters;
        Assert.Equal((0, 0, 0), (counters.Running, counters.Waiting, counters.KvBlocksUsed));
        Assert.Equal((0L, 0L, 0L), (counters.Submitted, counters.PrefixQueries, counters.Steps));
        Assert.False(rig.Model.Cancel(1, rig.Now));

        // The same id may come again, and nothing of before is found.
        rig.Submit(1, 16, 9, chain);
        rig.RunToEnd();
        Assert.Equal(0, rig.Of(1).Last(e => e.Kind == EngineEventKind.Scheduled).Tokens);
    }
}
