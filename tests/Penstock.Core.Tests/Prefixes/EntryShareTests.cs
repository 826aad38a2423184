using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>Keys whose text has very many bytes a token, and what they leave to others of a replica's entries.
/// </summary>
public class EntryShareTests
{
    private const int Entries = 1_000;
    private const long Capacity = 16_000;
    private const ulong Quiet = 1;
    private const ulong Flood = 2;

    /// <summary>Tokens of a hundred blocks of ordinary text.</summary>
    private const long Dense = 6_400;

    /// <summary>And of as much that is hardly any.</summary>
    private const long Sparse = 50;

    private static readonly ulong[] s_quiet = ListIndex.Chain([0], 100);

    private static readonly Gen<Step> AnyStep =
        from kind in Gen.Frequency(
            (6, Gen.Constant(StepKind.Send)), (4, Gen.Constant(StepKind.Complete)), (2, Gen.Constant(StepKind.Fail)),
            (1, Gen.Constant(StepKind.Hear)), (1, Gen.Constant(StepKind.Clear)))
        from key in Gen.Choose(0, 11)
        from turns in Gen.ArrayOf(Gen.Choose(0, 2), 3)
        from tokens in Gen.Elements(0, 1, 40, 700, 5_000)
        select new Step(kind, (ulong)key, turns, tokens);

    private enum StepKind
    {
        Send,
        Complete,
        Fail,
        Hear,
        Clear,
    }

    /// <summary>The engine keeps 6,400 tokens of one and 5,000 of the other: both fit. The entries do not.</summary>
    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    public void What_an_engine_still_has_of_a_key_is_known_whatever_another_one_sends(CacheKind kind)
    {
        var index = Index(kind);
        Ask(index, Quiet, s_quiet, Dense);
        for (var i = 1; i <= 100; i++)
        {
            Ask(index, Flood, ListIndex.Chain([i], 100), Sparse);
        }

        Assert.Equal(Dense - 16, Predicted(index, s_quiet));
        Assert.InRange(index.CountOf(0), 1, Entries / 2);
        Assert.True(index.OverflowsAt(0) > 0);
        Assert.Equal(0, index.PinsAt(0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nor_does_it_help_to_leave_before_the_answer_or_to_send_all_at_once(bool atOnce)
    {
        var index = Index(CacheKind.Paged, Capacity * 100);
        Ask(index, Quiet, s_quiet, Dense);
        for (var round = 0; round < 10; round++)
        {
            var chains = Enumerable.Range(1, 10).Select(i => ListIndex.Chain([(10 * round) + i], 100)).ToArray();
            var claims = chains.Select(c => atOnce ? Send(index, Flood, c) : default).ToArray();
            for (var i = 0; i < chains.Length; i++)
            {
                var claim = atOnce ? claims[i] : Send(index, Flood, chains[i]);
                index.Released(
                    Prompt(chains[i]), 0, in claim, new CacheReport(false, 0, -1, atOnce ? 0 : 5), default, Flood);
            }
        }

        Assert.Equal(Dense - 16, Predicted(index, s_quiet));
        Assert.Equal(0, index.PinsAt(0));
    }

    [Fact]
    public void A_flood_that_goes_through_another_gateway_is_that_gateways()
    {
        var index = Index(CacheKind.Paged);
        Ask(index, Quiet, s_quiet, Dense);
        for (var i = 1; i <= 100; i++)
        {
            var chain = ListIndex.Chain([i], 100);
            index.Heard(chain, 0, default, Flood);
            index.HeardAnswer(Prompt(chain), 0, new CacheReport(true, Sparse, -1, 0), default, Flood);
        }

        Assert.Equal(Dense - 16, Predicted(index, s_quiet));
    }

    /// <summary>It may be that its engines count nothing, so that it has no answers to tell of.</summary>
    [Fact]
    public void A_gateway_that_tells_of_no_answers_is_charged_nothing()
    {
        var index = Index(CacheKind.Paged, 1_000_000);
        Ask(index, Quiet, s_quiet, Dense);
        for (var i = 1; i <= 100; i++)
        {
            index.Heard(ListIndex.Chain([i], 5), 0, default, Flood);
        }

        Assert.Equal(102 + 500, index.CountOf(0));
    }

    [Fact]
    public void A_key_that_is_alone_has_all_entries()
    {
        var index = Index(CacheKind.Paged);
        for (var i = 1; i <= 30; i++)
        {
            Ask(index, Flood, ListIndex.Chain([i], 100), Sparse);
        }

        Assert.Equal(Entries, index.CountOf(0));
        Assert.Equal(0, index.OverflowsAt(0));
    }

    [Fact]
    public void Keys_with_ordinary_text_have_no_share_to_keep_to()
    {
        var (keyed, free) = (Index(CacheKind.Paged, 1_000_000), Index(CacheKind.Paged, 1_000_000));
        for (var i = 1; i <= 200; i++)
        {
            var chain = ListIndex.Chain([i % 3, i], 20);
            Ask(keyed, (ulong)(i % 7) + 1, chain, 2_560);
            Ask(free, 0, chain, 2_560);
            Assert.Equal(free.CountOf(0), keyed.CountOf(0));
        }

        Assert.Equal((Entries, 0), (keyed.CountOf(0), keyed.OverflowsAt(0)));
    }

    [Fact]
    public void A_key_that_was_not_there_for_two_capacities_of_work_keeps_nothing_from_others()
    {
        var index = Index(CacheKind.Paged);
        Ask(index, Quiet, s_quiet, Dense);
        for (var i = 1; i <= 30; i++)
        {
            Ask(index, Flood, ListIndex.Chain([i], 10), 1_600);
        }

        var before = index.OverflowsAt(0);
        for (var i = 31; i <= 60; i++)
        {
            Ask(index, Flood, ListIndex.Chain([i], 100), Sparse);
        }

        Assert.Equal(before, index.OverflowsAt(0));
        Assert.Equal(Entries, index.CountOf(0));
    }

    /// <summary>So many keys, that each gets the account of another one.</summary>
    [Fact]
    public void Many_keys_do_not_hide_one_that_floods_nor_do_they_owe_what_it_does()
    {
        var index = Index(CacheKind.Paged);
        Ask(index, Quiet, s_quiet, Dense);
        for (var i = 1; i <= 100; i++)
        {
            Ask(index, Flood, ListIndex.Chain([i], 100), Sparse);
            Ask(index, 100 + (ulong)i, ListIndex.Chain([1_000], 1), 64);
        }

        Assert.Equal(Dense - 16, Predicted(index, s_quiet));
        var another = ListIndex.Chain([1_001], 20);
        Ask(index, 999, another, 1_280);
        Assert.Equal(1_280 - 16, Predicted(index, another));
    }

    [Fact]
    public void Whatever_is_sent_nothing_stays_held_and_a_saved_index_goes_on_the_same() =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(AnyStep)), steps =>
        {
            var index = Index(CacheKind.Paged, 4_000, entries: 40);
            var reloaded = Index(CacheKind.Paged, 4_000, entries: 40);
            var open = new List<(Step Step, PrefixClaim Claim, PrefixClaim Other)>();
            foreach (var step in steps)
            {
                Take(step, index, reloaded, open);
                reloaded = Reloaded(reloaded);
                Assert.Equal(
                    (index.CountOf(0), index.TokensAt(0), index.OverflowsAt(0), index.PinsAt(0)),
                    (reloaded.CountOf(0), reloaded.TokensAt(0), reloaded.OverflowsAt(0), reloaded.PinsAt(0)));
                Assert.Equal(Predicted(index, Chain(step)), Predicted(reloaded, Chain(step)));
            }

            while (open.Count > 0)
            {
                End(open, index, reloaded, tokens: 9);
            }

            Assert.Equal(0, index.PinsAt(0));
            Assert.InRange(index.CountOf(0), 0, 40);
            Assert.InRange(index.TokensAt(0), 0, 4_000);
        }).QuickCheckThrowOnFailure();

    private static void Take(
        Step step, PrefixIndex index, PrefixIndex reloaded,
        List<(Step Step, PrefixClaim Claim, PrefixClaim Other)> open)
    {
        switch (step.Kind)
        {
            case StepKind.Send:
                open.Add((step, Send(index, step.Key, Chain(step)), Send(reloaded, step.Key, Chain(step))));
                break;
            case StepKind.Complete or StepKind.Fail when open.Count > 0:
                End(open, index, reloaded, step.Kind == StepKind.Fail ? -1 : step.Tokens);
                break;
            case StepKind.Hear:
                foreach (var one in (PrefixIndex[])[index, reloaded])
                {
                    one.Heard(Chain(step), 0, default, step.Key);
                    one.HeardAnswer(
                        Prompt(Chain(step)), 0, new CacheReport(true, step.Tokens + 1, -1, 3), default, step.Key);
                }

                break;
            case StepKind.Clear:
                index.Clear(0);
                reloaded.Clear(0);
                break;
        }
    }

    /// <summary>The first of what is open ends; with tokens below 0 it fails.</summary>
    private static void End(
        List<(Step Step, PrefixClaim Claim, PrefixClaim Other)> open, PrefixIndex index, PrefixIndex reloaded,
        int tokens)
    {
        var (step, claim, other) = open[0];
        open.RemoveAt(0);
        var report = new CacheReport(tokens >= 0, Math.Max(0, tokens), -1, 0);
        index.Released(Prompt(Chain(step)), 0, in claim, report, default, step.Key);
        reloaded.Released(Prompt(Chain(step)), 0, in other, report, default, step.Key);
    }

    private static PrefixIndex Index(CacheKind kind, long capacity = Capacity, int entries = Entries)
    {
        var index = new PrefixIndex(1, entries, PrefixKeying.Bytes);
        index.Shape(0, new CacheShape { Kind = kind, BlockTokens = 16, CapacityTokens = capacity });
        return index;
    }

    private static PrefixIndex Reloaded(PrefixIndex index)
    {
        var bytes = new ArrayBufferWriter<byte>();
        index.Save(new StateWriter(bytes));
        var loaded = new PrefixIndex(1, index.BlocksPerReplica, PrefixKeying.Bytes);
        var from = new StateReader(bytes.WrittenSpan);
        loaded.Load(ref from);
        return loaded;
    }

    private static void Ask(PrefixIndex index, ulong key, ulong[] chain, long tokens)
    {
        var claim = Send(index, key, chain);
        index.Released(Prompt(chain), 0, in claim, new CacheReport(true, tokens, -1, 1), default, key);
    }

    private static PrefixClaim Send(PrefixIndex index, ulong key, ulong[] chain) =>
        index.Dispatched(Prompt(chain), 0, default, key);

    private static long Predicted(PrefixIndex index, ulong[] chain)
    {
        var matches = new PrefixMatch[1];
        index.Match(Prompt(chain), matches);
        return matches[0].Tokens;
    }

    private static ulong[] Chain(Step step) => ListIndex.Chain(step.Turns, 5);

    /// <summary>One message, which ends where the last block does.</summary>
    private static PromptPrefix Prompt(ulong[] chain) => new()
    {
        Blocks = chain,
        Marks = new PromptMark[] { new((long)chain.Length * PrefixChainBuilder.BlockBytes, chain[^1] | 1) },
        Length = (long)chain.Length * PrefixChainBuilder.BlockBytes,
    };

    private sealed record Step(StepKind Kind, ulong Key, int[] Turns, int Tokens);
}
