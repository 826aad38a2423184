using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Tests.Shared;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>An engine with a fixed number of sequences, against its rule written out plainly.</summary>
public class SlotMirrorTests
{
    private const int Block = 4;

    private static readonly PrefixKeying Keying = new(Block, AreTokens: true);

    private static readonly Gen<(int[] Path, int Which)> AnyStep =
        from length in Gen.Choose(1, 6)
        from path in Gen.ArrayOf(Gen.Choose(0, 2), length)
        from which in Gen.Choose(0, 5)
        select (path, which);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(4, 0)]
    [InlineData(1, 40)]
    [InlineData(2, 100)]
    [InlineData(4, 700)]
    public void It_finds_what_the_rule_of_the_engine_finds(int slots, int hostTokens) =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(AnyStep)), steps =>
        {
            var index = Index(slots, hostTokens);
            var engine = new ListSlots(slots, hostTokens);
            var open = new Queue<(ulong[] Chain, PrefixClaim Claim, int Slot)>();
            foreach (var (path, which) in steps)
            {
                var chain = ListIndex.Chain(path, 3);
                index = which == 1 ? Reloaded(index) : index;
                if (open.Count == slots || (open.Count > 0 && which == 0))
                {
                    var (ended, claim, slot) = open.Dequeue();
                    Answer(index, ended, in claim);
                    engine.End(slot, ended);
                }
                else
                {
                    var claim = index.Dispatched(Prompt(chain), 0, default);
                    Assert.Equal(engine.Begin(chain, out var slot), claim.Predicted);
                    open.Enqueue((chain, claim, slot));
                }

                Assert.Equal(engine.Find(chain), Matched(index, chain));
                Assert.Equal(engine.SavedTokens, index.TokensAt(0, CacheTier.Host));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Of_sequences_that_agree_equally_the_first_is_taken_and_of_unused_ones_the_last()
    {
        var index = Index(2);
        var (one, two) = (ListIndex.Chain([1, 1], 5), ListIndex.Chain([1, 2], 5));
        TakeTurns(index, one, two);
        Assert.Equal(20, index.Dispatched(Prompt(ListIndex.Chain([1, 3], 5)), 0, default).Predicted);
        Assert.Equal((39, 20), (Matched(index, one), Matched(index, two)));
    }

    /// <summary>They agree by whole blocks here, and may agree by some tokens more there.</summary>
    [Fact]
    public void That_the_other_of_two_was_taken_is_no_sign_of_a_restart()
    {
        var index = Index(2);
        var (one, two) = (ListIndex.Chain([1, 1], 5), ListIndex.Chain([1, 2], 5));
        TakeTurns(index, one, two);
        var three = ListIndex.Chain([1, 3], 5);
        var claim = index.Dispatched(Prompt(three), 0, default);
        Assert.Equal(20, claim.Safe);
        Answer(index, three, in claim);
        claim = index.Dispatched(Prompt(one), 0, default);
        Assert.Equal((39, 20), (claim.Predicted, claim.Safe));
        Answer(index, one, in claim);
        claim = index.Dispatched(Prompt(one), 0, default);
        Assert.Equal((39, 39), (claim.Predicted, claim.Safe));
    }

    [Fact]
    public void Of_a_prompt_that_no_sequence_has_a_tenth_of_only_what_the_oldest_has_is_found()
    {
        var index = Index(2);
        var (old, young) = (ListIndex.Chain([1], 2), ListIndex.Chain([2], 2));
        TakeTurns(index, old, young);
        ulong[] others = [.. Enumerable.Range(1_000, 18).Select(i => (ulong)i)];
        Assert.Equal(8, Matched(index, [.. old, .. others]));
        Assert.Equal(0, Matched(index, [.. young, .. others]));
        Assert.Equal(8, Matched(index, [.. young, .. others[..17]]));
    }

    [Fact]
    public void A_request_that_waited_for_a_sequence_gets_one_when_it_ends()
    {
        var index = Index(1);
        var first = ListIndex.Chain([1], 5);
        var second = ListIndex.Chain([2], 5);
        var one = index.Dispatched(Prompt(first), 0, default);
        var two = index.Dispatched(Prompt(second), 0, default);
        Answer(index, first, in one);
        Answer(index, second, in two);
        Assert.Equal((0, 19), (Matched(index, first), Matched(index, second)));
    }

    [Fact]
    public void A_sequence_is_free_again_after_a_failure_and_after_all_was_lost()
    {
        var index = Index(1);
        var chain = ListIndex.Chain([1], 5);
        var claim = index.Dispatched(Prompt(chain), 0, default);
        Fail(index, chain, in claim);
        Assert.Equal(0, Matched(index, chain));
        claim = index.Dispatched(Prompt(chain), 0, default);
        index.Clear(0);
        Answer(index, chain, in claim);
        Assert.Equal(19, Matched(index, chain));
        Assert.Equal(0, index.PinsAt(0));
    }

    [Fact]
    public void After_a_failure_a_sequence_holds_what_was_found_there()
    {
        var index = Index(1);
        var chain = ListIndex.Chain([1, 1], 5);
        var claim = index.Dispatched(Prompt(chain), 0, default);
        Answer(index, chain, in claim);
        var other = ListIndex.Chain([1, 2], 5);
        claim = index.Dispatched(Prompt(other), 0, default);
        Assert.Equal(0, Matched(index, chain));
        Fail(index, other, in claim);
        Assert.Equal((20, 5), (Matched(index, chain), index.CountOf(0)));
    }

    [Fact]
    public void What_the_hosts_memory_keeps_is_told_apart_and_lost_where_there_is_none_any_more()
    {
        var index = Index(1, 100);
        var (one, two) = (ListIndex.Chain([1, 1, 1], 5), ListIndex.Chain([1, 2], 5));
        TakeTurns(index, one);
        TakeTurns(index, two);
        var match = Match(index, one);

        // It keeps half of what its sequence holds, which is not given up for more.
        Assert.Equal((20, 0), (match.Device, match.Host));
        TakeTurns(index, ListIndex.Chain([2], 5));
        match = Match(index, one);
        Assert.Equal((0, 59), (match.Device, match.Host));
        index.Shape(0, new CacheShape { Kind = CacheKind.Slots, Slots = 1 });
        Assert.Equal((0, 0), (Matched(index, one), index.TokensAt(0, CacheTier.Host)));
    }

    [Fact]
    public void A_hosts_memory_that_becomes_smaller_gives_up_at_once_what_was_saved_first()
    {
        var index = Index(1, 100);
        for (var i = 0; i < 4; i++)
        {
            TakeTurns(index, ListIndex.Chain([i], 5));
        }

        Assert.Equal(60, index.TokensAt(0, CacheTier.Host));
        index.Shape(0, new CacheShape { Kind = CacheKind.Slots, Slots = 1, HostTokens = 40 });
        Assert.Equal(40, index.TokensAt(0, CacheTier.Host));
        Assert.Equal((0, 19), (Matched(index, ListIndex.Chain([0], 5)), Matched(index, ListIndex.Chain([1], 5))));
    }

    /// <summary>llama-server says neither whether it keeps anything there nor how much.</summary>
    [Fact]
    public void What_may_be_in_the_hosts_memory_is_counted_on_once_it_was_found_there_and_no_longer_once_it_was_not()
    {
        var index = new PrefixIndex(1, 2_000, Keying);
        index.Shape(0, new CacheShape { Kind = CacheKind.Slots, Slots = 1, HasHost = true });
        var (one, two) = (ListIndex.Chain([1], 200), ListIndex.Chain([2], 200));
        TakeTurns(index, one);
        TakeTurns(index, two);
        List<long> predicted = [];
        for (var i = 0; i < 7; i++)
        {
            var chain = i % 2 == 0 ? one : two;
            predicted.Add(Matched(index, chain));
            var claim = index.Dispatched(Prompt(chain), 0, default);
            Assert.Equal(predicted[^1], claim.Predicted);
            index.Released(Prompt(chain), 0, in claim, new CacheReport(true, 800, i is 4 or 5 ? 0 : 799, 0), default);
        }

        Assert.Equal([0, 0, 0, 799, 799, 799, 0], predicted);
    }

    [Fact]
    public void More_than_is_remembered_of_the_hosts_memory_is_counted()
    {
        var index = Index(1, 1_000_000);
        for (var i = 0; i < 60; i++)
        {
            TakeTurns(index, ListIndex.Chain([i], 5));
        }

        // 200 blocks are remembered, 40 prompts of 5.
        Assert.Equal((19, 800), (index.OverflowsAt(0), index.TokensAt(0, CacheTier.Host)));
        Assert.Equal((0, 19), (Matched(index, ListIndex.Chain([18], 5)), Matched(index, ListIndex.Chain([19], 5))));
    }

    [Fact]
    public void Sequences_and_what_is_saved_of_them_allocate_nothing()
    {
        var index = Index(2, 100);
        ulong[][] chains = [.. Enumerable.Range(0, 9).Select(i => ListIndex.Chain([i], 5))];
        var matches = new PrefixMatch[1];
        Assert.Equal(0, Allocation.Of(() =>
        {
            foreach (var chain in chains)
            {
                index.Match(Prompt(chain), matches);
                var claim = index.Dispatched(Prompt(chain), 0, default);
                Answer(index, chain, in claim);
            }
        }));
        Assert.Equal(100, index.TokensAt(0, CacheTier.Host));
    }

    [Fact]
    public void The_next_turn_finds_every_token_of_the_last()
    {
        using var talk = new Talk(new CacheShape { Kind = CacheKind.Slots, Slots = 2, CapacityTokens = 8_192 });
        var system = Talk.Text("system", 4_000);
        talk.Ask(1_111, 50, 0, system, "a");
        Assert.Equal(1_111 + 49, talk.Predict(system, "a", Talk.Text("b", 200), Talk.Text("c", 900)));
    }

    /// <summary>Of which a token may have far fewer bytes than the pool's usual.</summary>
    [Fact]
    public void A_short_prompt_behind_a_known_head_is_found_up_to_the_end_of_the_head()
    {
        using var talk = new Talk(new CacheShape { Kind = CacheKind.Slots, Slots = 2, CapacityTokens = 8_192 });
        var system = Talk.Text("system", 4_000);
        talk.Ask(2_050, 50, 0, system, Talk.Text("a", 300));
        talk.Ask(2_040, 50, 2_002, system, Talk.Text("b", 250));
        talk.Ask(2_040, 50, 2_002, system, Talk.Text("c", 250));
        Assert.Equal(2_002, talk.Predict(system, Talk.Text("d", 40)));
    }

    /// <summary>Sends all at once, so that none gets the sequence of another, and answers them in their order.
    /// </summary>
    private static void TakeTurns(PrefixIndex index, params ulong[][] chains)
    {
        var claims = chains.Select(chain => index.Dispatched(Prompt(chain), 0, default)).ToList();
        for (var i = 0; i < chains.Length; i++)
        {
            var claim = claims[i];
            Answer(index, chains[i], in claim);
        }
    }

    private static void Answer(PrefixIndex index, ulong[] chain, in PrefixClaim claim) =>
        index.Released(Prompt(chain), 0, in claim, new CacheReport(true, 0, -1, 0), default);

    private static void Fail(PrefixIndex index, ulong[] chain, in PrefixClaim claim) =>
        index.Released(Prompt(chain), 0, in claim, new CacheReport(false, 0, -1, 0), default);

    private static PrefixIndex Index(int slots, long hostTokens = 0)
    {
        var index = new PrefixIndex(1, 200, Keying);
        index.Shape(0, new CacheShape { Kind = CacheKind.Slots, Slots = slots, HostTokens = hostTokens });
        return index;
    }

    private static PrefixIndex Reloaded(PrefixIndex index)
    {
        var bytes = new ArrayBufferWriter<byte>();
        index.Save(new StateWriter(bytes));
        var loaded = new PrefixIndex(1, 200, Keying);
        var from = new StateReader(bytes.WrittenSpan);
        loaded.Load(ref from);
        return loaded;
    }

    private static PromptPrefix Prompt(ulong[] chain) => new() { Blocks = chain, Length = chain.Length * Block };

    private static PrefixMatch Match(PrefixIndex index, ulong[] chain)
    {
        var matches = new PrefixMatch[1];
        index.Match(Prompt(chain), matches);
        return matches[0];
    }

    private static long Matched(PrefixIndex index, ulong[] chain) => Match(index, chain).Tokens;

    /// <summary>The engine, with a list for all that the host's memory has, the oldest first.</summary>
    private sealed class ListSlots(int slots, int hostTokens)
    {
        private readonly Slot[] _slots = [.. Enumerable.Range(0, slots).Select(_ => new Slot())];
        private readonly List<ulong[]> _saved = [];
        private int _clock;

        public long SavedTokens => _saved.Sum(chain => (long)chain.Length * Block);

        public long Find(ulong[] chain)
        {
            if (Array.TrueForAll(_slots, s => s.Busy))
            {
                return 0;
            }

            var slot = Choose(chain, out var leaves);
            return leaves && Best(chain, slot) is { } saved ? Found(saved, chain) : Found(slot.Chain, chain);
        }

        public long Begin(ulong[] chain, out int at)
        {
            var found = Find(chain);
            var slot = Choose(chain, out var leaves);
            if (leaves && hostTokens > 0)
            {
                Exchange(slot, chain);
            }

            slot.Busy = true;
            at = Array.IndexOf(_slots, slot);
            return found;
        }

        public void End(int at, ulong[] chain)
        {
            _slots[at].Chain = chain;
            _slots[at].Busy = false;
            _slots[at].UsedAt = ++_clock;
        }

        private static long Common(ulong[] one, ulong[] other) =>
            one.Zip(other).TakeWhile(p => p.First == p.Second).Count();

        private static long Found(ulong[] held, ulong[] chain) =>
            Math.Min(Common(held, chain) * Block, (chain.Length * Block) - 1);

        private Slot Choose(ulong[] chain, out bool leaves)
        {
            var free = _slots.Where(s => !s.Busy).ToList();
            var best = free.Where(s => Found(s.Chain, chain) > 0.1 * chain.Length * Block)
                .MaxBy(s => Found(s.Chain, chain));
            leaves = best is null || Found(best.Chain, chain) < 0.5 * best.Chain.Length * Block;
            return best ?? free.AsEnumerable().Reverse().MinBy(s => s.UsedAt)!;
        }

        private ulong[]? Best(ulong[] chain, Slot slot)
        {
            var (found, kept) = (Found(slot.Chain, chain), slot.Chain.Length == 0 ? -1 : Share(slot.Chain, chain));
            ulong[]? best = null;
            foreach (var saved in _saved.Where(s => Share(s, chain) >= 0.25))
            {
                if (Share(saved, chain) > kept && Found(saved, chain) > found)
                {
                    (best, found, kept) = (saved, Found(saved, chain), Share(saved, chain));
                }
            }

            return best;
        }

        private void Exchange(Slot slot, ulong[] chain)
        {
            if (slot.Chain.Length > 0 && !_saved.Exists(s => Common(s, slot.Chain) == slot.Chain.Length))
            {
                _saved.RemoveAll(s => Common(s, slot.Chain) == s.Length);
                _saved.Add(slot.Chain);
            }

            if (Best(chain, slot) is { } best)
            {
                _saved.Remove(best);
            }

            while (_saved.Count > 1 && SavedTokens > hostTokens)
            {
                _saved.RemoveAt(0);
            }
        }

        private static double Share(ulong[] held, ulong[] chain) =>
            Found(held, chain) / (double)(held.Length * Block);

        private sealed class Slot
        {
            public ulong[] Chain { get; set; } = [];

            public bool Busy { get; set; }

            public int UsedAt { get; set; }
        }
    }
}
