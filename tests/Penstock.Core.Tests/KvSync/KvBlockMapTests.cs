using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.KvSync;
using Penstock.Core.Primitives;
using Penstock.Tests.Shared;

namespace Penstock.Core.Tests.KvSync;

public sealed class KvBlockMapTests
{
    private const ulong Model = 42;

    private static readonly ulong s_first = KvKeys.Of(Model, [1, 2]);
    private static readonly ulong s_second = KvKeys.Of(s_first, [3, 4]);

    private readonly KvBlockMap _map = new(10_000, Model, secret: 7);
    private KeyRecord _keys = new();

    [Fact]
    public void Makes_the_routers_keys_from_tokens()
    {
        Assert.Equal(KeyedHash.Of([1, 0, 0, 0, 2, 0, 0, 0], 42), s_first);
        Apply(new KvEvent { Hashes = [100, 200], Tokens = [1, 2, 3, 4], BlockTokens = 2 });
        Assert.Equal(Sorted(s_first, s_second), _keys.In(KvTier.Device));
        Assert.Equal((2, 4), (_map.BlocksIn(KvTier.Device), _map.TokensIn(KvTier.Device)));
    }

    [Fact]
    public void Makes_the_same_keys_however_a_prompt_is_cut_into_events()
    {
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2 });
        Apply(new KvEvent { Hashes = [200], HasParent = true, Parent = 100, Tokens = [3, 4], BlockTokens = 2 });
        Assert.Equal(Sorted(s_first, s_second), _keys.In(KvTier.Device));
    }

    [Fact]
    public void Keeps_models_adapters_salts_and_images_apart()
    {
        var keys = new HashSet<ulong>();
        void Take(KvEvent e)
        {
            Apply(e);
            Assert.All(_keys.In(KvTier.Device), k => keys.Add(k));
        }

        Take(new KvEvent { Hashes = [1], Tokens = [1, 2], BlockTokens = 2 });
        Take(new KvEvent { Hashes = [2], Tokens = [1, 2], BlockTokens = 2, Adapter = "ada"u8 });
        Take(new KvEvent { Hashes = [3], Tokens = [1, 2], BlockTokens = 2, Salt = "ada"u8 });
        Take(new KvEvent { Hashes = [4], Tokens = [1, 2], BlockTokens = 2, AdapterId = 0 });
        Take(new KvEvent { Hashes = [5], Tokens = [1, 2], BlockTokens = 2, Extras = [9] });
        Assert.Equal(5, keys.Count);
        var other = new KvBlockMap(10, Model + 1, secret: 7);
        _keys = new KeyRecord();
        other.Apply(new KvEvent { Hashes = [1], Tokens = [1, 2], BlockTokens = 2 }, 0, ref _keys);
        Assert.True(keys.Add(Assert.Single(_keys.In(KvTier.Device))));
    }

    [Fact]
    public void Counts_what_is_held_twice_twice()
    {
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2 });
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2 });
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [100] });
        Assert.Equal([s_first], _keys.In(KvTier.Device));
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [100] });
        Assert.Empty(_keys.In(KvTier.Device));
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [100] });
        Assert.Equal(1, _map.UnknownRemovals);
        Assert.Equal(0, _map.BlocksIn(KvTier.Device));
    }

    [Fact]
    public void Knows_a_copy_in_another_tier_by_the_tokens_of_the_first_store()
    {
        Apply(new KvEvent { Hashes = [100, 200], Tokens = [1, 2, 3, 4], BlockTokens = 2, Group = 0 });
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [100, 200], Group = 0 });
        Apply(new KvEvent { Hashes = [100, 200], BlockTokens = 2, Tier = KvTier.Host });
        Assert.Empty(_keys.In(KvTier.Device));
        Assert.Equal(Sorted(s_first, s_second), _keys.In(KvTier.Host));
        Assert.Equal(4, _map.TokensIn(KvTier.Host));
    }

    [Fact]
    public void Holds_blocks_after_an_unknown_one_without_keys()
    {
        Apply(new KvEvent { Hashes = [5, 6], HasParent = true, Parent = 4, Tokens = [1, 2, 3, 4], BlockTokens = 2 });
        Assert.Empty(_keys.In(KvTier.Device));
        Assert.Equal((2, 2), (_map.BlocksIn(KvTier.Device), _map.Unkeyed));
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [5, 6] });
        Assert.Equal(0, _map.BlocksIn(KvTier.Device));
    }

    [Fact]
    public void Counts_one_group_of_full_attention_and_no_sliding_window()
    {
        Apply(new KvEvent { Hashes = [9], BlockTokens = 2, Group = 0, Spec = KvSpecKind.SlidingWindow });
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2, Group = 1 });
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2, Group = 2 });
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [100], Group = 2 });
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [9, 100], Group = 0 });
        Assert.Equal([s_first], _keys.In(KvTier.Device));
        Assert.Equal(5, _map.OtherGroups);
    }

    [Fact]
    public void Clears_one_rank_and_leaves_the_others()
    {
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2 }, rank: 0);
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2 }, rank: 3);
        Apply(new KvEvent { Kind = KvEventKind.Cleared }, rank: 0);
        Assert.Empty(_keys.In(KvTier.Device));
        Assert.Equal([s_first], _keys.In(KvTier.Device, rank: 3));
        Assert.Equal((1, 1), (_map.BlocksIn(KvTier.Device), _map.Entries));
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = [100] }, rank: 3);
        Assert.Equal(0, _map.BlocksIn(KvTier.Device));
    }

    [Fact]
    public void Keeps_the_first_tokens_of_a_name_and_counts_the_others()
    {
        Apply(new KvEvent { Hashes = [100], Tokens = [1, 2], BlockTokens = 2 });
        Apply(new KvEvent { Hashes = [100], Tokens = [7, 7], BlockTokens = 2 });
        Assert.Equal([s_first], _keys.In(KvTier.Device));
        Assert.Equal(1, _map.Conflicts);
    }

    [Fact]
    public void Is_bounded_whatever_an_engine_claims_to_hold()
    {
        var hashes = Enumerable.Range(1, 25_000).Select(i => (ulong)i).ToArray();
        Apply(new KvEvent { Hashes = hashes, BlockTokens = 16 });
        Assert.Equal((10_000, 15_000), (_map.Entries, _map.Full));
        Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = hashes });
        Assert.Equal((0, 15_000), (_map.BlocksIn(KvTier.Device), _map.UnknownRemovals));

        // What is gone makes room again.
        Apply(new KvEvent { Hashes = hashes.AsSpan(10_000, 5_000), BlockTokens = 16 });
        Assert.Equal(5_000, _map.BlocksIn(KvTier.Device));
    }

    [Fact]
    public void Remembers_only_a_share_of_what_is_gone()
    {
        for (var i = 0UL; i < 100_000; i += 100)
        {
            var hashes = Enumerable.Range(0, 100).Select(j => i + (ulong)j).ToArray();
            Apply(new KvEvent { Hashes = hashes, BlockTokens = 16 });
            Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = hashes });
        }

        Assert.InRange(_map.Entries, 0, 1_200);
    }

    [Fact]
    public void Agrees_with_a_plain_count_of_stores_and_removals() => Prop.ForAll<(byte, byte)[]>(steps =>
    {
        var map = new KvBlockMap(1_000, Model, secret: 1);
        var keys = new KeyRecord();
        var counts = new Dictionary<(int Rank, int Tier, ulong Hash), int>();
        foreach (var (what, which) in steps)
        {
            var (rank, tier, hash) = (which % 2, which / 2 % 2, (ulong)(which / 4 % 16));
            var at = (rank, tier, hash);
            var kind = what % 8 < 4 ? KvEventKind.Stored : what % 8 < 7 ? KvEventKind.Removed : KvEventKind.Cleared;
            map.Apply(
                new KvEvent
                {
                    Kind = kind, Tier = (KvTier)tier, Hashes = [hash], Tokens = [(uint)hash], BlockTokens = 1,
                },
                rank,
                ref keys);
            counts[at] = kind == KvEventKind.Stored ? counts.GetValueOrDefault(at) + 1
                : Math.Max(0, counts.GetValueOrDefault(at) - 1);
            foreach (var key in counts.Keys.Where(k => kind == KvEventKind.Cleared && k.Rank == rank).ToList())
            {
                counts[key] = 0;
            }
        }

        return keys.Senseless == 0 && Enumerable.Range(0, 4).All(i =>
        {
            var (rank, tier) = (i % 2, i / 2);
            var held = counts.Where(c => c.Key.Rank == rank && c.Key.Tier == tier && c.Value > 0);
            return held.Select(c => KvKeys.Of(Model, [(uint)c.Key.Hash])).Order()
                .SequenceEqual(keys.In((KvTier)tier, rank));
        }) && map.BlocksIn(KvTier.Device) == counts.Count(c => c.Key.Tier == 0 && c.Value > 0);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Allocates_nothing_per_event_once_warm()
    {
        var hashes = Enumerable.Range(1, 500).Select(i => (ulong)i).ToArray();
        var tokens = Enumerable.Range(1, 500 * 16).Select(i => (uint)i).ToArray();
        var sink = new CountingSink();
        var map = new KvBlockMap(10_000, Model, secret: 7);
        Assert.Equal(0, Allocation.Of(() =>
        {
            map.Apply(new KvEvent { Hashes = hashes, Tokens = tokens, BlockTokens = 16 }, 0, ref sink);
            map.Apply(new KvEvent { Kind = KvEventKind.Removed, Hashes = hashes }, 0, ref sink);
        }));
        Assert.Equal(5 * 1_000, sink.Keys);
    }

    private static ulong[] Sorted(params ulong[] keys) => [.. keys.Order()];

    private void Apply(KvEvent e, int rank = 0) => _map.Apply(in e, rank, ref _keys);

    private struct CountingSink : IKvKeySink
    {
        public int Keys;

        public void Stored(int rank, KvTier tier, ReadOnlySpan<ulong> keys, int blockTokens) => Keys += keys.Length;

        public void Removed(int rank, KvTier tier, ReadOnlySpan<ulong> keys) => Keys += keys.Length;

        public readonly void Cleared(int rank)
        {
        }
    }
}
