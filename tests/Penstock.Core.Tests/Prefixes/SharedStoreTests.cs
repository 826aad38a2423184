using System.Buffers;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Core.Tests.Routing;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>A store that all replicas share, known by what each of them says of it.</summary>
public sealed class SharedStoreTests
{
    private const int Replicas = 3;
    private const int Block = 4;

    private static readonly PrefixKeying s_keying = new(Block, AreTokens: true);
    private static readonly ulong[] s_chain = ListIndex.Chain([1], 8);

    private readonly PrefixIndex _index = new(Replicas, 100, s_keying);

    [Fact]
    public void What_one_replica_told_counts_for_all()
    {
        _index.Stored(1, CacheTier.Shared, s_chain);
        Assert.Equal([32, 32, 32], Shared(_index));
    }

    [Fact]
    public void Nobody_takes_away_what_another_one_told()
    {
        _index.Stored(0, CacheTier.Shared, s_chain);
        _index.Stored(1, CacheTier.Shared, s_chain.AsSpan(0, 4));
        _index.Removed(1, CacheTier.Shared, s_chain);
        Assert.Equal([32, 32, 32], Shared(_index));
        _index.Removed(0, CacheTier.Shared, s_chain.AsSpan(2));
        Assert.Equal([8, 8, 8], Shared(_index));
    }

    [Fact]
    public void What_a_replica_told_goes_with_it()
    {
        _index.Stored(0, CacheTier.Shared, s_chain);
        _index.Stored(2, CacheTier.Shared, s_chain.AsSpan(0, 3));
        _index.Clear(0);
        Assert.Equal([12, 12, 12], Shared(_index));
    }

    [Fact]
    public void The_word_of_a_replica_that_is_not_trusted_counts_for_nothing()
    {
        _index.Stored(0, CacheTier.Shared, s_chain);
        _index.Stored(2, CacheTier.Shared, s_chain.AsSpan(0, 3));
        _index.Distrust(0, true);
        Assert.Equal([12, 12, 12], Shared(_index));
        _index.Distrust(0, false);
        Assert.Equal([32, 32, 32], Shared(_index));
    }

    [Fact]
    public void It_is_saved_with_the_index()
    {
        _index.Stored(0, CacheTier.Shared, s_chain);
        _index.Stored(1, CacheTier.Shared, s_chain.AsSpan(0, 2));
        _index.Distrust(0, true);
        var saved = new ArrayBufferWriter<byte>();
        _index.Save(new StateWriter(saved));
        var loaded = new PrefixIndex(Replicas, 100, s_keying);
        var reader = new StateReader(saved.WrittenSpan);
        loaded.Load(ref reader);
        Assert.Equal([8, 8, 8], Shared(loaded));
        loaded.Distrust(0, false);
        Assert.Equal([32, 32, 32], Shared(loaded));
    }

    /// <summary>One whose predictions mostly fail has no say in what others are believed to find.</summary>
    [Fact]
    public void A_replica_that_loses_its_trust_loses_its_word()
    {
        var rig = new PoolRig("round-robin", 2);
        var chain = PoolRig.Chain(1, 8);
        rig.Tell(PoolEvent.CacheStored(default, 1, CacheTier.Shared), new PromptPrefix { Blocks = chain });
        rig.Decide(chain: chain);
        Assert.All(rig.Candidates.ToArray(), c => Assert.True(c.Match.Shared > 0));
        var own = PoolRig.Chain(2, 100);
        for (var i = 0; i < 40; i++)
        {
            var decision = rig.Decide(6_400, own, tried: [0]);
            rig.End(rig.Dispatch(in decision, 0, own, 25_600), prompt: 6_400, cached: 0);
        }

        Assert.Equal(TrustLevel.Untrusted, rig[1].Trust.Level);
        rig.Decide(chain: chain);
        Assert.All(rig.Candidates.ToArray(), c => Assert.Equal(0, c.Match.Shared));
    }

    /// <summary>Who says of the store what is not true may be one that gets no requests.</summary>
    [Fact]
    public void What_is_said_of_the_store_and_not_found_costs_no_other_replica_its_trust()
    {
        var rig = new PoolRig("round-robin", 2);
        var first = 0L;
        for (var i = 0; i < 40; i++)
        {
            var chain = PoolRig.Chain((ulong)i + 10, 8);
            rig.Tell(PoolEvent.CacheStored(default, 1, CacheTier.Shared), new PromptPrefix { Blocks = chain });
            var decision = rig.Decide(512, chain, tried: [1]);
            first = i == 0 ? rig.Candidates[0].Match.Shared : first;
            rig.End(rig.Dispatch(in decision, 0, chain, 2_048), prompt: 512, cached: 0);
        }

        Assert.Equal(TrustLevel.Trusted, rig[0].Trust.Level);
        Assert.True(first > 400);
        Assert.InRange(rig.Candidates[0].Match.Shared, 0, first / 10);
    }

    [Fact]
    public void The_store_is_counted_on_again_once_its_blocks_are_found()
    {
        for (var i = 0; i < 60; i++)
        {
            _index.LearnShared(0, 100, 0);
        }

        _index.Stored(0, CacheTier.Shared, s_chain);
        for (var i = 0; i < 60; i++)
        {
            _index.LearnShared(0, Math.Max(1, Shared(_index)[1]), 32);
        }

        Assert.InRange(Shared(_index)[1], 28, 32);
    }

    [Fact]
    public void Who_is_not_trusted_gets_its_word_back_by_no_clear()
    {
        _index.Distrust(0, true);
        _index.Clear(0);
        _index.Stored(0, CacheTier.Shared, s_chain);
        Assert.Equal([0, 0, 0], Shared(_index));
    }

    private static long[] Shared(PrefixIndex index)
    {
        ulong[] blocks = [.. s_chain, 9];
        var matches = new PrefixMatch[Replicas];
        index.Match(new PromptPrefix { Blocks = blocks, Length = blocks.Length * Block }, matches);
        return [.. matches.Select(m => m.Shared)];
    }
}
