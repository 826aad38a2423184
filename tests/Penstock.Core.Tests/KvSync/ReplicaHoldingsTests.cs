using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.KvSync;

/// <summary>What a pool learns of a replica from the events of its ranks.</summary>
public sealed class ReplicaHoldingsTests : IPoolTeller
{
    private const ulong Model = 42;
    private const int Block = 2;

    private static readonly Instant s_now = new(1);

    private readonly ReplicaHoldings _holdings = new(Model, secret: 7, blocksMax: 1_000);
    private readonly HashSet<ulong> _held = [];
    private readonly List<string> _told = [];

    public ReplicaHoldingsTests() => _holdings.Sit(this, 0, new PrefixKeying(Block, AreTokens: true), s_now);

    void IPoolTeller.Tell(in PoolEvent happened, in PromptPrefix blocks)
    {
        if (happened.Kind == PoolEventKind.CacheStored)
        {
            Assert.All(blocks.Blocks.ToArray(), k => Assert.True(_held.Add(k)));
        }
        else if (happened.Kind == PoolEventKind.CacheRemoved)
        {
            _held.ExceptWith(blocks.Blocks.ToArray());
        }
        else
        {
            _told.Add($"{happened.Kind} {happened.Tokens}");
        }
    }

    [Fact]
    public void A_block_is_held_while_any_rank_holds_it()
    {
        Store(0, 100, [1, 2]);
        Store(1, 900, [1, 2]);
        Remove(0, 100);
        Assert.Equal(Keys([1, 2]), _held);
        Remove(1, 900);
        Assert.Empty(_held);
    }

    [Fact]
    public void A_rank_that_began_anew_takes_its_own_blocks_alone()
    {
        Store(0, 100, [1, 2]);
        Store(0, 101, [3, 4]);
        Store(1, 100, [1, 2]);
        Store(1, 102, [5, 6]);
        _holdings.Lost(0, s_now);
        Assert.Equal(Keys([1, 2], [5, 6]), _held);
        _holdings.Lost(1, s_now);
        Assert.Empty(_held);
        Assert.DoesNotContain(_told, t => t.StartsWith("CacheLost", StringComparison.Ordinal));
    }

    [Fact]
    public void The_only_rank_that_began_anew_leaves_nothing()
    {
        Store(0, 100, [1, 2]);
        _holdings.Lost(0, s_now);
        Assert.Equal(["CacheLost 0"], _told);
    }

    [Fact]
    public void A_rank_of_several_is_not_the_only_one_because_the_others_are_silent()
    {
        _holdings.Restart(1_000, ranks: 2);
        Store(0, 100, [1, 2]);
        _holdings.Lost(0, s_now);
        Assert.Empty(_held);
        Assert.Empty(_told);
    }

    [Fact]
    public void A_gap_of_one_rank_leaves_the_volume_unknown_and_the_blocks_of_the_others_counted()
    {
        Store(0, 100, [1, 2]);
        Store(1, 100, [1, 2]);
        _holdings.Doubt(0, s_now);
        Assert.Null(_holdings.ResidentTokens);

        // The first rank may or may not hold it: its removals say nothing while another one does.
        Remove(0, 100);
        Assert.Equal(Keys([1, 2]), _held);
        Remove(1, 100);
        Assert.Empty(_held);
        _holdings.Lost(0, s_now);
        Assert.Equal(0, _holdings.ResidentTokens);
    }

    [Fact]
    public void After_a_gap_what_was_believed_stands_until_it_is_said_to_be_gone()
    {
        Store(0, 100, [1, 2]);
        Store(0, 101, [3, 4]);
        _holdings.Doubt(0, s_now);
        Assert.Equal(Keys([1, 2], [3, 4]), _held);
        Remove(0, 101);
        Assert.Equal(Keys([1, 2]), _held);

        // The name of the block before is still known.
        _holdings.Take(
            new KvEvent { Hashes = [102], HasParent = true, Parent = 100, Tokens = [7, 8], BlockTokens = Block },
            0,
            s_now);
        Assert.Contains(KvKeys.Of(KvKeys.Of(Model, [1, 2]), [7, 8]), _held);
    }

    [Fact]
    public void A_name_that_was_missed_is_found_again_by_the_prompt_that_goes_on_from_it()
    {
        var first = KvKeys.Of(Model, [1, 2]);
        var second = KvKeys.Of(first, [3, 4]);
        var third = KvKeys.Of(second, [5, 6]);
        Follow(200, 100, [3, 4]);
        Assert.Empty(_held);

        _holdings.Routed([first, second, third]);
        Follow(201, 100, [3, 4]);
        Follow(300, 201, [5, 6]);
        Assert.Equal([second, third], _held.Order().Intersect([second, third]).OrderBy(k => k == third));
        Remove(0, 100);
        Remove(0, 300);
        Assert.Equal([second], _held);
    }

    [Fact]
    public void A_prompt_that_does_not_go_on_so_names_nothing()
    {
        var first = KvKeys.Of(Model, [1, 2]);
        _holdings.Routed([first, KvKeys.Of(first, [3, 4])]);
        Follow(200, 100, [9, 9]);
        Assert.Empty(_held);
    }

    /// <summary>What is looked for costs time, so an engine cannot have as much looked for as it likes.</summary>
    [Fact]
    public void Names_are_looked_for_a_few_times_for_each_prompt()
    {
        var first = KvKeys.Of(Model, [1, 2]);
        _holdings.Routed([first, KvKeys.Of(first, [3, 4])]);
        for (var i = 0U; i < RoutedChains.SearchesEach; i++)
        {
            Follow(200 + i, 100, [9, i]);
        }

        Follow(300, 100, [3, 4]);
        Assert.Empty(_held);
        _holdings.Routed([first]);
        Follow(301, 100, [3, 4]);
        Assert.Single(_held);
    }

    [Fact]
    public void A_new_pool_is_told_what_any_rank_holds_once()
    {
        Store(0, 100, [1, 2]);
        Store(1, 100, [1, 2]);
        Store(1, 101, [3, 4]);
        _held.Clear();
        _holdings.Sit(this, 0, new PrefixKeying(Block, AreTokens: true), s_now);
        Assert.Equal(Keys([1, 2], [3, 4]), _held);
        Remove(0, 100);
        Assert.Equal(Keys([1, 2], [3, 4]), _held);
        Remove(1, 100);
        Assert.Equal(Keys([3, 4]), _held);
    }

    [Fact]
    public void Keyed_by_bytes_one_rank_of_two_that_began_anew_leaves_the_volume_of_the_other()
    {
        _holdings.Sit(this, 0, PrefixKeying.Bytes, s_now);
        Store(0, 100, [1, 2]);
        Store(1, 100, [1, 2]);
        Store(1, 101, [3, 4]);
        _holdings.TellVolume(s_now);
        _holdings.Lost(0, s_now);
        Assert.Equal(["CacheResident 6", "CacheResident 4"], _told);
    }

    /// <summary>What there was no room for is there all the same.</summary>
    [Fact]
    public void Of_a_rank_that_holds_more_than_is_kept_the_volume_is_not_known_until_it_begins_anew()
    {
        _holdings.Restart(blocksMax: 3, ranks: 1);
        _holdings.Sit(this, 0, PrefixKeying.Bytes, s_now);
        for (ulong name = 1; name <= 3; name++)
        {
            Assert.True(Hold(name));
        }

        _holdings.TellVolume(s_now);
        Assert.False(Hold(4));
        _holdings.TellVolume(s_now);
        Assert.Equal(["CacheResident 6"], _told);
        Assert.Null(_holdings.ResidentTokens);

        // One that is gone makes room for another, and what was left out is still not known.
        Remove(0, 1);
        Assert.True(Hold(5));
        Assert.Null(_holdings.ResidentTokens);
        _holdings.Lost(0, s_now);
        Assert.True(Hold(1));
        Assert.Equal(2, _holdings.ResidentTokens);

        bool Hold(ulong name) => _holdings.Take(
            new KvEvent { Hashes = [name], Tokens = [1, (uint)name], BlockTokens = Block }, 0, s_now);
    }

    /// <summary>Names that all lie in one slot of a table whose secret is known, were it not secret.</summary>
    [Fact]
    public void Names_that_meet_on_purpose_in_one_table_do_not_in_another()
    {
        const int Names = 2_000;
        var chosen = new List<ulong>();
        var multiplier = Hash64.Combine(1, 0x9E3779B97F4A7C15UL) | 1;
        for (ulong name = 1; chosen.Count < Names; name++)
        {
            if ((name * multiplier) >> 54 == 0)
            {
                chosen.Add(name);
            }
        }

        Assert.True(LongestRun(chosen, secret: 1) >= Names);
        Assert.InRange(LongestRun(chosen, secret: 2), 1, 200);
    }

    private static int LongestRun(List<ulong> names, ulong secret)
    {
        var table = new BlockTable(100_000, secret, blocksExpected: 0);
        foreach (var name in names)
        {
            table.Add(name, reclaim: false);
        }

        var (longest, run) = (0, 0);
        foreach (ref readonly var entry in table.Slots)
        {
            run = entry.IsUsed ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        return longest;
    }

    private static HashSet<ulong> Keys(params uint[][] blocks) => [.. blocks.Select(b => KvKeys.Of(Model, b))];

    private void Store(int rank, ulong name, uint[] tokens) =>
        _holdings.Take(new KvEvent { Hashes = [name], Tokens = tokens, BlockTokens = Block }, rank, s_now);

    private void Follow(ulong name, ulong parent, uint[] tokens) => _holdings.Take(
        new KvEvent { Hashes = [name], HasParent = true, Parent = parent, Tokens = tokens, BlockTokens = Block },
        0,
        s_now);

    private void Remove(int rank, ulong name) =>
        _holdings.Take(new KvEvent { Kind = KvEventKind.Removed, Hashes = [name] }, rank, s_now);
}
