using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;

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
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void It_holds_what_free_sequences_hold(int slots) =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(AnyStep)), steps =>
        {
            var index = Index(slots);
            var held = Enumerable.Range(0, slots).Select(_ => new Slot()).ToArray();
            var open = new Queue<(ulong[] Chain, PrefixClaim Claim, Slot Slot)>();
            foreach (var (path, which) in steps)
            {
                var chain = ListIndex.Chain(path, 3);
                if (open.Count == slots || (open.Count > 0 && which == 0))
                {
                    var (ended, claim, slot) = open.Dequeue();
                    index.Released(Prompt(ended), 0, in claim, new CacheReport(true, 0, -1, 0), default);
                    slot.Chain = ended;
                    slot.Busy = false;
                    slot.UsedAt = held.Max(s => s.UsedAt) + 1;
                }
                else
                {
                    var slot = Choose(held, chain);
                    Assert.Equal(slot.Found(chain), index.Dispatched(Prompt(chain), 0, default) is var claim
                        ? claim.Predicted : -1);
                    slot.Busy = true;
                    open.Enqueue((chain, claim, slot));
                }

                var best = held.Where(s => !s.Busy).Select(s => s.Found(chain)).DefaultIfEmpty(0).Max();
                Assert.Equal(best, Matched(index, chain));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_request_that_waited_for_a_sequence_gets_one_when_it_ends()
    {
        var index = Index(1);
        var first = ListIndex.Chain([1], 5);
        var second = ListIndex.Chain([2], 5);
        var one = index.Dispatched(Prompt(first), 0, default);
        var two = index.Dispatched(Prompt(second), 0, default);
        index.Released(Prompt(first), 0, in one, new CacheReport(true, 0, -1, 0), default);
        index.Released(Prompt(second), 0, in two, new CacheReport(true, 0, -1, 0), default);
        Assert.Equal((0, 19), (Matched(index, first), Matched(index, second)));
    }

    [Fact]
    public void A_sequence_is_free_again_after_a_failure_and_after_all_was_lost()
    {
        var index = Index(1);
        var chain = ListIndex.Chain([1], 5);
        var claim = index.Dispatched(Prompt(chain), 0, default);
        index.Released(Prompt(chain), 0, in claim, new CacheReport(false, 0, -1, 0), default);
        Assert.Equal(0, Matched(index, chain));
        claim = index.Dispatched(Prompt(chain), 0, default);
        index.Clear(0);
        index.Released(Prompt(chain), 0, in claim, new CacheReport(true, 0, -1, 0), default);
        Assert.Equal(19, Matched(index, chain));
        Assert.Equal(0, index.PinsAt(0));
    }

    [Fact]
    public void The_next_turn_finds_every_token_of_the_last()
    {
        using var talk = new Talk(new CacheShape { Kind = CacheKind.Slots, Slots = 2, CapacityTokens = 8_192 });
        var system = Talk.Text("system", 4_000);
        talk.Ask(1_111, 50, 0, system, "a");
        Assert.Equal(1_111 + 49, talk.Predict(system, "a", Talk.Text("b", 200), Talk.Text("c", 900)));
    }

    private static Slot Choose(Slot[] held, ulong[] chain)
    {
        var best = held.Where(s => !s.Busy && s.Found(chain) > 0.1 * chain.Length * Block).MaxBy(s => s.Found(chain));
        return best ?? held.Where(s => !s.Busy).MinBy(s => s.UsedAt)!;
    }

    private static PrefixIndex Index(int slots)
    {
        var index = new PrefixIndex(1, 200, Keying);
        index.Shape(0, new CacheShape { Kind = CacheKind.Slots, Slots = slots });
        return index;
    }

    private static PromptPrefix Prompt(ulong[] chain) => new() { Blocks = chain, Length = chain.Length * Block };

    private static long Matched(PrefixIndex index, ulong[] chain)
    {
        var matches = new PrefixMatch[1];
        index.Match(Prompt(chain), matches);
        return matches[0].Tokens;
    }

    private sealed class Slot
    {
        public ulong[] Chain { get; set; } = [];

        public bool Busy { get; set; }

        public int UsedAt { get; set; }

        public long Found(ulong[] chain) =>
            Math.Min(Chain.Zip(chain).TakeWhile(p => p.First == p.Second).Count() * Block, (chain.Length * Block) - 1);
    }
}
