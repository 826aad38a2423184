using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Tests.Shared;

namespace Penstock.Core.Tests.KvSync;

/// <summary>Events that are well-formed and meant to cost whoever listens more than whoever sends.</summary>
public sealed class HostileEventTests : IPoolTeller
{
    private const ulong Model = 42;
    private const int Many = 100_000;

    private static readonly Instant s_now = new(1);
    private static readonly ulong[] s_names = [.. Enumerable.Range(1, Many).Select(i => (ulong)i)];

    private readonly KvBlockMap _map = new(2 * Many, Model, secret: 7);
    private readonly ReplicaHoldings _holdings = new(Model, secret: 7, blocksMax: 2 * Many);
    private readonly List<PoolEventKind> _told = [];
    private KeyRecord _keys = new();

    void IPoolTeller.Tell(in PoolEvent happened, in PromptPrefix blocks) => _told.Add(happened.Kind);

    /// <summary>To clear a table that holds much is to write or make as much memory.</summary>
    [Fact]
    public void A_clear_costs_nothing_by_what_other_ranks_hold()
    {
        var nobody = default(Nobody);
        _map.Apply(new KvEvent { Hashes = s_names, BlockTokens = 16 }, 0, ref nobody);
        Assert.Equal(0, Allocation.Of(() =>
        {
            _map.Apply(new KvEvent { Hashes = s_names.AsSpan(0, 1), BlockTokens = 16 }, 1, ref nobody);
            _map.Apply(new KvEvent { Kind = KvEventKind.Cleared }, 1, ref nobody);
        }));
        Assert.Equal(Many, _map.BlocksIn(KvTier.Device));
    }

    [Fact]
    public void A_table_that_was_large_once_is_not_cleared_as_a_whole_again_and_again()
    {
        var table = new BlockTable(2 * Many, secret: 7, blocksExpected: 0);
        foreach (var name in s_names)
        {
            table.Add(name, reclaim: false);
        }

        var large = table.Slots.Length;
        table.Clear();
        table.Add(1, reclaim: false);
        table.Clear();
        Assert.InRange(table.Slots.Length, 1, large / 100);
        Assert.Equal((0, -1), (table.Count, table.Find(1)));
        table.Add(1, reclaim: false);
        Assert.Equal(0, Allocation.Of(() =>
        {
            table.Clear();
            table.Add(1, reclaim: false);
        }));
        Assert.True(table.Find(1) >= 0);
    }

    [Fact]
    public void What_was_cleared_makes_room_for_as_much()
    {
        var map = new KvBlockMap(1_000, Model, secret: 7);
        var keys = new KeyRecord();
        for (var i = 0; i < 3; i++)
        {
            map.Apply(new KvEvent { Hashes = s_names.AsSpan(0, 1_000), BlockTokens = 16 }, i, ref keys);
            Assert.Equal((0, 1_000), (map.Full, map.Entries));
            map.Apply(new KvEvent { Kind = KvEventKind.Cleared }, i, ref keys);
            Assert.Equal((0, 0), (map.BlocksIn(KvTier.Device), map.Entries));
        }
    }

    /// <summary>The publisher says which rank it speaks for, so each of them must give back what it once took.
    /// </summary>
    [Theory]
    [InlineData(KvEventKind.Cleared)]
    [InlineData(KvEventKind.Removed)]
    public void However_many_ranks_are_filled_one_after_the_other_the_tables_stay_small(KvEventKind end)
    {
        const int Blocks = 10_000;
        var map = new KvBlockMap(Blocks, Model, secret: 7);
        var keys = new KeyRecord();
        for (var rank = 0; rank < 64; rank++)
        {
            map.Apply(new KvEvent { Hashes = s_names.AsSpan(0, Blocks / 2), BlockTokens = 16 }, rank, ref keys);
            Assert.InRange(map.BlocksIn(KvTier.Device), Blocks / 2 * 99 / 100, Blocks / 2);
            var ended = end == KvEventKind.Cleared
                ? new KvEvent { Kind = end }
                : new KvEvent { Kind = end, Hashes = s_names.AsSpan(0, Blocks / 2) };
            map.Apply(in ended, rank, ref keys);
        }

        // Twice the slots of a table at its fullest, four times where it lost some, and the least of each rank.
        Assert.InRange(map.Slots, 1, (Blocks * 4) + (64 * 512));
    }

    [Fact]
    public void What_one_rank_remembers_keeps_out_nothing_that_another_one_stores()
    {
        var map = new KvBlockMap(10_000, Model, secret: 7);
        var keys = new KeyRecord();
        var names = s_names.AsSpan(0, 10_000);
        map.Apply(new KvEvent { Hashes = names, BlockTokens = 16 }, 3, ref keys);
        map.Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = names }, 3, ref keys);
        map.Apply(new KvEvent { Hashes = names[..5_000], BlockTokens = 16 }, 200, ref keys);
        Assert.Equal((0, 5_000), (map.Full, map.BlocksIn(KvTier.Device)));
    }

    [Fact]
    public void A_pool_is_told_once_that_all_is_gone_however_often_it_is_said()
    {
        _holdings.Sit(this, 0, PrefixKeying.Bytes, s_now);
        for (var i = 0; i < 1_000; i++)
        {
            Take(new KvEvent { Kind = KvEventKind.Cleared });
        }

        Assert.Equal([PoolEventKind.CacheLost], _told);
        Take(new KvEvent { Hashes = s_names.AsSpan(0, 1), BlockTokens = 16 });
        Take(new KvEvent { Kind = KvEventKind.Cleared });
        Assert.Equal([PoolEventKind.CacheLost, PoolEventKind.CacheLost], _told);
    }

    /// <summary>What is believed may be wrong by then, and a restart is always news.</summary>
    [Fact]
    public void A_pool_is_told_that_all_is_gone_after_a_gap_and_after_a_restart()
    {
        _holdings.Sit(this, 0, PrefixKeying.Bytes, s_now);
        Take(new KvEvent { Kind = KvEventKind.Cleared });
        _holdings.Doubt(0, s_now);
        Take(new KvEvent { Kind = KvEventKind.Cleared });
        _holdings.StartedInTheMiddle(0);
        Take(new KvEvent { Kind = KvEventKind.Cleared });
        _holdings.Lost(0, s_now);
        Assert.Equal(4, _told.Count(k => k == PoolEventKind.CacheLost));
    }

    [Fact]
    public void A_gap_in_what_a_rank_of_several_never_said_counts_nothing_anew()
    {
        _holdings.Sit(this, 0, new PrefixKeying(2, AreTokens: true), s_now);
        Take(new KvEvent { Hashes = [1], Tokens = [1, 2], BlockTokens = 2 }, rank: 0);
        Take(new KvEvent { Hashes = [1], Tokens = [1, 2], BlockTokens = 2 }, rank: 1);
        _holdings.Doubt(1, s_now);
        Assert.Equal(0, Allocation.Of(() => _holdings.Doubt(1, s_now)));
        Take(new KvEvent { Kind = KvEventKind.Removed, Hashes = [1] }, rank: 0);
        Assert.Equal([PoolEventKind.CacheStored, PoolEventKind.CacheRemoved], _told);
    }

    /// <summary>Token ids can be had of blocks as large as an engine likes, and each is hashed many times.</summary>
    [Fact]
    public void Blocks_of_another_size_than_the_prompts_are_not_looked_for_in_them()
    {
        var first = KvKeys.Of(Model, [1, 2]);
        var second = KvKeys.Of(first, [3, 4, 5, 6]);
        _map.RoutedBlockTokens = 2;
        _map.Routed([first, second]);
        Apply(new KvEvent { Hashes = [2], HasParent = true, Parent = 1, Tokens = [3, 4, 5, 6], BlockTokens = 4 });
        Assert.Equal(1, _map.Unkeyed);
        _map.RoutedBlockTokens = 4;
        Apply(new KvEvent { Hashes = [3], HasParent = true, Parent = 1, Tokens = [3, 4, 5, 6], BlockTokens = 4 });
        Assert.Contains(second, _keys.In(KvTier.Device));
    }

    [Fact]
    public void A_block_counts_for_as_many_searches_as_it_is_larger()
    {
        var routed = new RoutedChains();
        var child = KvKeys.Of(1, [3, 4]);
        routed.Add([1, child]);
        var large = new uint[RoutedChains.SearchesEach * RoutedChains.SearchTokens];
        Assert.False(routed.TryFindParent(large, 0, out _));
        Assert.False(routed.TryFindParent([3, 4], 0, out _));
        routed.Add([1, child]);
        Assert.True(routed.TryFindParent([3, 4], 0, out var parent));
        Assert.Equal(1UL, parent);
    }

    private void Apply(KvEvent e) => _map.Apply(in e, 0, ref _keys);

    private void Take(KvEvent e, int rank = 0) => _holdings.Take(in e, rank, s_now);

    private readonly struct Nobody : IKvKeySink
    {
        public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens)
        {
        }

        public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys)
        {
        }

        public void Cleared(int rank)
        {
        }
    }
}
