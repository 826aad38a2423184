using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Tests.Shared;

namespace Penstock.Core.Tests.Prefixes;

public class PrefixIndexTests
{
    private static readonly Gen<int[]> Path =
        from length in Gen.Choose(1, 5)
        from turns in Gen.ArrayOf(Gen.Choose(0, 2), length)
        select turns;

    private static readonly Gen<Step> AnyStep =
        from path in Path
        from replica in Gen.Choose(0, 39)
        from kind in Gen.Frequency(
            (8, Gen.Constant(StepKind.Insert)), (2, Gen.Constant(StepKind.InsertEverywhere)),
            (1, Gen.Constant(StepKind.Clear)), (1, Gen.Constant(StepKind.ClearMost)))
        select new Step(kind, replica, path);

    private enum StepKind
    {
        Insert,
        InsertEverywhere,
        Clear,
        ClearMost,
    }

    [Theory]
    [InlineData(1, 7)]
    [InlineData(3, 1)]
    [InlineData(5, 20)]
    [InlineData(40, 9)]
    [InlineData(40, 30)]
    public void It_holds_and_matches_what_plain_lists_would(int replicas, int cap) =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(AnyStep)), steps =>
        {
            var index = new PrefixIndex(replicas, cap, PrefixKeying.Bytes);
            var lists = new ListIndex(replicas, cap);
            foreach (var step in steps)
            {
                Take(step, index, lists, replicas);
                AssertSame(index, lists, replicas, ListIndex.Chain(step.Path, 3));
                AssertSame(index, lists, replicas, ListIndex.Chain([0, 1, 2, 0, 1], 3));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_a_replica_holds_of_a_chain_is_always_a_prefix_of_it() =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(Path)), paths =>
        {
            var index = new PrefixIndex(2, 8, PrefixKeying.Bytes);
            foreach (var path in paths)
            {
                index.Insert(ListIndex.Chain(path, 3), 1);
                foreach (var other in paths)
                {
                    var held = ListIndex.Chain(other, 3).Select(block => Held(index, [block], 1)).ToArray();
                    Assert.Equal(held.OrderDescending(), held);
                }
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_deepest_blocks_of_the_coldest_chain_go_first()
    {
        var index = new PrefixIndex(1, 6, PrefixKeying.Bytes);
        var cold = ListIndex.Chain([1], 4);
        var warm = ListIndex.Chain([2], 4);
        index.Insert(cold, 0);
        index.Insert(warm, 0);
        Assert.Equal(2, Held(index, cold));
        Assert.Equal(4, Held(index, warm));
        index.Insert(cold, 0);
        Assert.Equal(4, Held(index, cold));
        Assert.Equal(2, Held(index, warm));
    }

    [Fact]
    public void Of_a_chain_longer_than_the_cap_the_first_blocks_are_kept()
    {
        var index = new PrefixIndex(2, 5, PrefixKeying.Bytes);
        index.Insert(ListIndex.Chain([9], 3), 1);
        var chain = ListIndex.Chain([1], 50);
        index.Insert(chain, 1);
        Assert.Equal(5, Held(index, chain, 1));
        Assert.Equal(5, index.CountOf(1));
        Assert.Equal(0, index.CountOf(0));
    }

    [Fact]
    public void An_empty_chain_matches_nothing_and_changes_nothing()
    {
        var index = new PrefixIndex(2, 5, PrefixKeying.Bytes);
        index.Insert([], 0);
        int[] matched = [7, 7];
        index.Match([], matched);
        Assert.Equal([0, 0], matched);
        Assert.Equal(0, index.CountOf(0));
    }

    [Fact]
    public void A_cleared_replica_holds_nothing_and_the_others_what_they_held()
    {
        var index = new PrefixIndex(64, 16, PrefixKeying.Bytes);
        var chain = ListIndex.Chain([1, 2], 4);
        for (var replica = 0; replica < 64; replica++)
        {
            index.Insert(chain, replica);
        }

        for (var cleared = 0; cleared < 64; cleared++)
        {
            index.Clear(cleared);
            var matched = new int[64];
            index.Match(chain, matched);
            Assert.Equal(Enumerable.Range(0, 64).Select(r => r <= cleared ? 0 : 8), matched);
        }
    }

    [Fact]
    public void Every_replica_may_hold_another_length_of_a_long_chain()
    {
        const int Replicas = 256;
        var index = new PrefixIndex(Replicas, 1_600, PrefixKeying.Bytes);
        var chain = ListIndex.Chain([1], 1_600);
        var lengths = Enumerable.Range(0, Replicas).Select(r => r * 37 % 1_601).ToArray();
        for (var replica = 0; replica < Replicas; replica++)
        {
            index.Insert(chain.AsSpan(0, lengths[replica]), replica);
        }

        var matched = new int[Replicas];
        index.Match(chain, matched);
        Assert.Equal(lengths, matched);
    }

    [Theory]
    [InlineData(1, 4_096)]
    [InlineData(8, 1_000)]
    [InlineData(25, 1_024)]
    [InlineData(256, 1_024)]
    [InlineData(257, 1_024)]
    [InlineData(1_000, 512)]
    public void It_takes_no_more_memory_than_it_says(int replicas, int cap)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var index = new PrefixIndex(replicas, cap, PrefixKeying.Bytes);
        var taken = GC.GetAllocatedBytesForCurrentThread() - before;
        var entries = (long)replicas * cap * PrefixIndex.BytesPerEntry;
        Assert.InRange(
            taken, 1, entries + (PrefixIndex.BytesPerReplica * replicas) + PrefixIndex.BytesPerPool);
        Assert.Equal(cap, index.BlocksPerReplica);
    }

    [Fact]
    public void What_lies_behind_a_hole_that_the_engine_made_is_not_kept_twice()
    {
        var index = new PrefixIndex(2, 32, new PrefixKeying(16, AreTokens: true));
        ulong[] chain = [11, 12, 13, 14];
        index.Stored(1, CacheTier.Device, chain);
        index.Removed(1, CacheTier.Device, chain.AsSpan(1, 1));
        index.Insert(chain, 1);
        Assert.Equal((4, 64), (index.CountOf(1), index.TokensAt(1)));
    }

    [Fact]
    public void Nothing_is_allocated_after_the_constructor()
    {
        var index = new PrefixIndex(64, 32, PrefixKeying.Bytes);
        var chains = Enumerable.Range(0, 20).Select(i => ListIndex.Chain([0, i % 5, i], 5)).ToArray();
        var matched = new int[64];
        index.Match(chains[0], matched);
        index.Insert(chains[0], 0);
        index.Clear(0);
        Assert.Equal(0, Allocation.Of(() =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                index.Insert(chains[i % 20], i * 7 % 64);
                index.Match(chains[i * 3 % 20], matched);
            }

            index.Clear(5);
        }));
    }

    private static void Take(Step step, PrefixIndex index, ListIndex lists, int replicas)
    {
        var chain = ListIndex.Chain(step.Path, 3);
        var one = step.Replica % replicas;
        var all = step.Kind is StepKind.InsertEverywhere or StepKind.ClearMost;
        for (var replica = all ? 0 : one; replica < (all ? replicas : one + 1); replica++)
        {
            if (step.Kind is StepKind.Insert or StepKind.InsertEverywhere)
            {
                index.Insert(chain, replica);
                lists.Insert(chain, replica);
            }
            else if (step.Kind == StepKind.Clear || replica % 4 != 0)
            {
                index.Clear(replica);
                lists.Clear(replica);
            }
        }
    }

    private static void AssertSame(PrefixIndex index, ListIndex lists, int replicas, ulong[] chain)
    {
        var matched = new int[replicas];
        index.Match(chain, matched);
        Assert.Equal(lists.Match(chain), matched);
        for (var replica = 0; replica < replicas; replica++)
        {
            Assert.Equal(lists.CountOf(replica), index.CountOf(replica));
            Assert.InRange(index.CountOf(replica), 0, index.BlocksPerReplica);
        }
    }

    private static int Held(PrefixIndex index, ulong[] chain, int replica = 0)
    {
        var matched = new int[2];
        index.Match(chain, matched);
        return matched[replica];
    }

    private sealed record Step(StepKind Kind, int Replica, int[] Path);
}
