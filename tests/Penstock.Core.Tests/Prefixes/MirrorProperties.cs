using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>The mirror of caches against plain lists, over requests that overlap, fail, and lose what they held.
/// </summary>
public class MirrorProperties
{
    private const int Replicas = 3;
    private const int Block = ListMirror.BlockTokens;

    private static readonly PrefixKeying Keying = new(Block, AreTokens: true);

    private static readonly Gen<Step> AnyStep =
        from length in Gen.Choose(1, 5)
        from path in Gen.ArrayOf(Gen.Choose(0, 2), length)
        from replica in Gen.Choose(0, Replicas - 1)
        from kind in Gen.Frequency(
            (10, Gen.Constant(StepKind.Dispatch)), (6, Gen.Constant(StepKind.Complete)),
            (3, Gen.Constant(StepKind.Fail)), (1, Gen.Constant(StepKind.Clear)), (1, Gen.Constant(StepKind.Reload)))
        from which in Gen.Choose(0, 1_000)
        select new Step(kind, replica, path, which);

    private enum StepKind
    {
        Dispatch,
        Complete,
        Fail,
        Clear,
        Reload,
    }

    [Theory]
    [InlineData(40, 100)]
    [InlineData(61, 1_000)]
    [InlineData(1_000, 12)]
    [InlineData(90, 20)]
    public void It_holds_what_plain_lists_hold_and_nothing_stays_held(int capacity, int entries) =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(AnyStep)), steps =>
        {
            var run = new Run(capacity, entries);
            foreach (var step in steps)
            {
                run.Take(step);
            }

            run.EndAll();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Where_requests_hold_everything_nothing_is_added_and_that_is_counted()
    {
        var index = Paged(20);
        var first = ListIndex.Chain([1], 5);
        var second = ListIndex.Chain([2], 5);
        var one = index.Dispatched(Prompt(first), 0, default);
        var two = index.Dispatched(Prompt(second), 0, default);
        Assert.Equal((20, 1), (index.TokensAt(0), index.OverflowsAt(0)));
        Assert.Equal(0, Matched(index, second));
        index.Released(Prompt(first), 0, in one, new CacheReport(true, 0, -1, 0), default);
        index.Released(Prompt(second), 0, in two, new CacheReport(true, 0, -1, 0), default);
        Assert.Equal((20, 0), (index.TokensAt(0), Matched(index, first)));
        Assert.Equal(20, Matched(index, [.. second, 9]));
    }

    [Fact]
    public void Prompts_that_were_never_taken_in_leave_nothing()
    {
        var index = Paged(400);
        var known = ListIndex.Chain([1], 5);
        index.Insert(known, 0);
        var longer = ListIndex.Chain([1, 2], 5);
        var claim = index.Dispatched(Prompt(longer), 0, default);
        Assert.Equal(40, Matched(index, [.. longer, 9]));
        index.Released(Prompt(longer), 0, in claim, new CacheReport(false, 0, -1, 0), default);
        Assert.Equal(20, Matched(index, longer));
        Assert.Equal(0, index.PinsAt(0));
    }

    [Fact]
    public void What_does_not_fit_moves_down_the_tiers_end_first_and_is_counted_once()
    {
        var index = new PrefixIndex(2, 100, Keying);
        index.Shape(0, new CacheShape
        {
            Kind = CacheKind.Paged, BlockTokens = 1, CapacityTokens = 40, HostTokens = 24, DiskTokens = 16,
        });
        var first = ListIndex.Chain([1], 8);
        index.Insert(first, 0);
        index.Insert(ListIndex.Chain([2], 8), 0);
        var match = Match(index, [.. first, 9]);
        Assert.Equal((8, 24, 0), (match.Device, match.Host, match.Disk));
        index.Insert(ListIndex.Chain([3], 8), 0);
        match = Match(index, [.. first, 9]);
        Assert.Equal((0, 0, 16), (match.Device, match.Host, match.Disk));
        Assert.Equal(
            (40, 24, 16),
            (index.TokensAt(0), index.TokensAt(0, CacheTier.Host), index.TokensAt(0, CacheTier.Disk)));

        // Used again, it is in the accelerator's memory.
        index.Insert(first.AsSpan(0, 4), 0);
        Assert.Equal(16, Match(index, [.. first, 9]).Device);
    }

    [Fact]
    public void A_tier_that_becomes_smaller_gives_up_at_once_what_was_not_used_longest()
    {
        var shape = new CacheShape
        {
            Kind = CacheKind.Paged, BlockTokens = 1, CapacityTokens = 40, HostTokens = 24, DiskTokens = 16,
        };
        var index = new PrefixIndex(2, 100, Keying);
        index.Shape(0, in shape);
        var (first, second) = (ListIndex.Chain([1], 8), ListIndex.Chain([2], 8));
        index.Insert(first, 0);
        index.Insert(second, 0);
        index.Insert(ListIndex.Chain([3], 8), 0);
        index.Shape(0, shape with { HostTokens = 8 });
        var match = Match(index, [.. second, 9]);
        Assert.Equal((8, 8, 16), (match.Device, match.Host, match.Disk));
        Assert.Equal(0, Match(index, [.. first, 9]).Tokens);
        Assert.Equal(
            (40, 8, 16),
            (index.TokensAt(0), index.TokensAt(0, CacheTier.Host), index.TokensAt(0, CacheTier.Disk)));
        index.Shape(0, shape with { HostTokens = 0, DiskTokens = 0 });
        Assert.Equal(8, Match(index, [.. second, 9]).Tokens);
        Assert.Equal((0, 10), (index.TokensAt(0, CacheTier.Host), index.CountOf(0)));

        // What the device gives up goes down.
        index.Shape(0, shape with { CapacityTokens = 20 });
        Assert.Equal((20, 20), (index.TokensAt(0), index.TokensAt(0, CacheTier.Host)));
    }

    [Fact]
    public void A_shared_store_counts_beyond_what_a_replica_holds_itself()
    {
        var index = Paged(400);
        var chain = ListIndex.Chain([1], 8);
        index.Insert(chain.AsSpan(0, 3), 0);
        index.Stored(0, CacheTier.Shared, chain);
        var match = Match(index, [.. chain, 9]);
        Assert.Equal((12, 20), (match.Device, match.Shared));
        index.Removed(0, CacheTier.Shared, chain.AsSpan(4));
        Assert.Equal(4, Match(index, [.. chain, 9]).Shared);
    }

    [Fact]
    public void What_an_engine_says_it_stored_and_dropped_is_believed()
    {
        var index = Paged(400);
        var chain = ListIndex.Chain([1], 8);
        index.Stored(0, CacheTier.Device, chain);
        Assert.Equal(32, Matched(index, [.. chain, 9]));
        index.Removed(0, CacheTier.Device, chain.AsSpan(5));
        Assert.Equal(20, Matched(index, [.. chain, 9]));
        index.Resident(0, CacheTier.Device, 9);
        Assert.Equal(8, Matched(index, [.. chain, 9]));
    }

    [Fact]
    public void A_tree_loses_all_that_one_request_added()
    {
        var index = new PrefixIndex(1, 100, Keying);
        index.Shape(0, new CacheShape { Kind = CacheKind.Radix, CapacityTokens = 80 });
        index.Insert(ListIndex.Chain([1], 5), 0);
        index.Insert(ListIndex.Chain([1, 2], 5), 0);
        index.Insert(ListIndex.Chain([3], 5), 0);
        index.Insert(ListIndex.Chain([4], 6), 0);
        var matched = new int[1];
        index.Match(ListIndex.Chain([1, 2], 5), matched);
        Assert.Equal(5, matched[0]);
    }

    [Fact]
    public void A_tree_loses_what_was_told_of_at_once_and_no_more()
    {
        var index = new PrefixIndex(2, 100, Keying);
        index.Shape(0, new CacheShape { Kind = CacheKind.Radix, CapacityTokens = 80 });
        var (one, two) = (ListIndex.Chain([1], 8), ListIndex.Chain([2], 8));
        index.Stored(0, CacheTier.Device, one);
        index.Stored(0, CacheTier.Device, two);
        index.Insert(ListIndex.Chain([3], 5), 0);
        Assert.Equal((0, 32), (Matched(index, [.. one, 9]), Matched(index, [.. two, 9])));
        Assert.Equal(52, index.TokensAt(0));
    }

    /// <summary>An engine that splits a run drops its parts one by one.</summary>
    [Theory]
    [InlineData(0, 3, 0)]
    [InlineData(2, 3, 8)]
    [InlineData(5, 3, 20)]
    public void What_an_engine_leaves_of_a_run_of_a_tree_is_lost_by_itself(int from, int count, int left)
    {
        var index = new PrefixIndex(2, 100, Keying);
        index.Shape(0, new CacheShape { Kind = CacheKind.Radix, CapacityTokens = 80 });
        var (one, two) = (ListIndex.Chain([1], 8), ListIndex.Chain([2], 8));
        index.Insert(one, 0);
        index.Insert(two, 0);
        index.Removed(0, CacheTier.Device, one.AsSpan(from, count));
        Assert.Equal(left, Matched(index, [.. one[..from], 9]));
        Assert.Equal(52, index.TokensAt(0));
        index.Insert(ListIndex.Chain([3], 8), 0);
        Assert.Equal((64, 32), (index.TokensAt(0), Matched(index, [.. two, 9])));
    }

    private static PrefixIndex Paged(int capacity)
    {
        var index = new PrefixIndex(2, 100, Keying);
        index.Shape(0, new CacheShape { Kind = CacheKind.Paged, BlockTokens = 1, CapacityTokens = capacity });
        return index;
    }

    private static PromptPrefix Prompt(ulong[] chain) =>
        new() { Blocks = chain, Length = chain.Length * Block };

    private static PrefixMatch Match(PrefixIndex index, ulong[] chain)
    {
        var matches = new PrefixMatch[2];
        index.Match(Prompt(chain), matches);
        return matches[0];
    }

    private static long Matched(PrefixIndex index, ulong[] chain) => Match(index, chain).Device;

    private sealed record Step(StepKind Kind, int Replica, int[] Path, int Which);

    /// <summary>An index and plain lists side by side.</summary>
    private sealed class Run
    {
        private readonly List<(ulong[] Chain, int Replica, PrefixClaim Claim, int Blocks, int Generation)> _open = [];
        private readonly ListMirror[] _lists;
        private readonly int _capacity;
        private readonly int _entries;
        private PrefixIndex _index;

        public Run(int capacity, int entries)
        {
            (_capacity, _entries) = (capacity, entries);
            _index = New();
            _lists = [.. Enumerable.Range(0, Replicas).Select(_ => new ListMirror(capacity, entries))];
        }

        public void Take(Step step)
        {
            var chain = ListIndex.Chain(step.Path, 3);
            switch (step.Kind)
            {
                case StepKind.Dispatch:
                    var claim = _index.Dispatched(Prompt(chain), step.Replica, default);
                    var generation = _lists[step.Replica].Generation;
                    _open.Add((chain, step.Replica, claim, _lists[step.Replica].Take(chain), generation));
                    break;
                case StepKind.Complete or StepKind.Fail when _open.Count > 0:
                    End(step.Which % _open.Count, step.Kind == StepKind.Complete);
                    break;
                case StepKind.Clear:
                    _index.Clear(step.Replica);
                    _lists[step.Replica].Clear();
                    break;
                case StepKind.Reload:
                    Reload();
                    break;
            }

            AssertSame(chain);
            AssertSame(ListIndex.Chain([0, 1, 2, 0], 3));
        }

        public void EndAll()
        {
            while (_open.Count > 0)
            {
                End(_open.Count - 1, _open.Count % 2 == 0);
            }

            for (var replica = 0; replica < Replicas; replica++)
            {
                Assert.Equal(0, _index.PinsAt(replica));
                Assert.InRange(_index.TokensAt(replica), 0, _capacity);
            }
        }

        private void End(int which, bool completed)
        {
            var (chain, replica, claim, blocks, generation) = _open[which];
            _open.RemoveAt(which);
            _index.Released(Prompt(chain), replica, in claim, new CacheReport(completed, 0, -1, 0), default);
            _lists[replica].GiveBack(chain, blocks, generation, completed);
            AssertSame(chain);
        }

        private void Reload()
        {
            var bytes = new ArrayBufferWriter<byte>();
            _index.Save(new StateWriter(bytes));
            _index = New();
            var from = new StateReader(bytes.WrittenSpan);
            _index.Load(ref from);
        }

        private PrefixIndex New()
        {
            var index = new PrefixIndex(Replicas, _entries, Keying);
            for (var replica = 0; replica < Replicas; replica++)
            {
                index.Shape(replica, new CacheShape
                {
                    Kind = CacheKind.Paged, BlockTokens = 1, CapacityTokens = _capacity,
                });
            }

            return index;
        }

        private void AssertSame(ulong[] chain)
        {
            var matches = new PrefixMatch[Replicas];
            _index.Match(Prompt([.. chain, 1]), matches);
            for (var replica = 0; replica < Replicas; replica++)
            {
                Assert.Equal(_lists[replica].Match(chain), matches[replica].Tokens);
                Assert.Equal(_lists[replica].Tokens, _index.TokensAt(replica));
                Assert.Equal(_lists[replica].Count, _index.CountOf(replica));
                Assert.Equal(_lists[replica].Pins, _index.PinsAt(replica));
            }
        }
    }
}
