using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Tests.Shared;

namespace Penstock.Core.Tests.Prefixes;

public class PrefixChainTests
{
    private const int Block = PrefixChainBuilder.BlockBytes;

    [Fact]
    public void Chains_agree_exactly_up_to_the_first_block_that_differs()
    {
        var length = (4 * Block) + 17;
        var prompt = Text(length);
        var chain = Chain(prompt);
        Assert.Equal(4, chain.Length);
        for (var changed = 0; changed < length; changed++)
        {
            var other = prompt.ToArray();
            other[changed] ^= 1;
            Assert.Equal(Math.Min(4, changed / Block), Agreement(chain, Chain(other)));
        }
    }

    [Fact]
    public void How_the_bytes_were_cut_makes_no_difference()
    {
        var prompt = Text((2 * Block) + 3);
        var whole = Chain(prompt);
        for (var cut = 0; cut <= prompt.Length; cut++)
        {
            Assert.Equal(whole, Chain(prompt.AsSpan(0, cut), prompt.AsSpan(cut)));
        }
    }

    [Fact]
    public void Any_number_of_pieces_gives_the_same_chain()
    {
        var prompt = Text((5 * Block) + 100);
        var whole = Chain(prompt);
        Prop.ForAll(Arb.From(Gen.ArrayOf(Gen.Choose(0, 700))), sizes =>
        {
            using var builder = new PrefixChainBuilder();
            builder.Start(1);
            var at = 0;
            foreach (var size in sizes)
            {
                var take = Math.Min(size, prompt.Length - at);
                builder.Append(prompt.AsSpan(at, take));
                at += take;
            }

            builder.Append(prompt.AsSpan(at));
            return builder.Blocks.SequenceEqual(whole) && builder.Bytes == prompt.Length;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void No_block_is_common_to_two_scopes()
    {
        var prompt = Text(8 * Block);
        Assert.Empty(Chain(1, prompt).Intersect(Chain(2, prompt)));
    }

    [Fact]
    public void A_block_says_all_that_came_before_it()
    {
        // The same bytes at another depth are another block.
        var chain = Chain(new byte[6 * Block]);
        Assert.Equal(6, chain.Distinct().Count());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(Block - 1, 0)]
    [InlineData(Block, 1)]
    [InlineData(Block + 1, 1)]
    [InlineData((PrefixChainBuilder.BlocksMax * Block) + (9 * Block), PrefixChainBuilder.BlocksMax)]
    public void Only_full_blocks_count_and_only_so_many(int bytes, int blocks)
    {
        using var builder = new PrefixChainBuilder();
        builder.Start(0);
        builder.Append(new byte[bytes]);
        Assert.Equal(blocks, builder.Blocks.Length);
        Assert.Equal(bytes, builder.Bytes);
    }

    [Fact]
    public void A_builder_starts_anew_and_allocates_only_the_first_time()
    {
        using var builder = new PrefixChainBuilder();
        var prompt = Text(100 * Block);
        Fill(builder, prompt);
        var first = builder.Blocks.ToArray();
        builder.Start(9);
        builder.Append(Text(10));
        Assert.Equal(0, Allocation.Of(() => Fill(builder, prompt)));
        Assert.Equal(first, builder.Blocks.ToArray());
    }

    private static void Fill(PrefixChainBuilder builder, byte[] prompt)
    {
        builder.Start(1);
        builder.Append(prompt);
    }

    private static int Agreement(ulong[] a, ulong[] b)
    {
        Assert.Equal(a.Length, b.Length);
        var common = a.Zip(b).TakeWhile(p => p.First == p.Second).Count();
        Assert.DoesNotContain(a.Zip(b).Skip(common), p => p.First == p.Second);
        return common;
    }

    private static byte[] Text(int bytes) =>
        Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, bytes).Select(i => (char)('a' + (i * i % 23)))));

    private static ulong[] Chain(ulong scope, byte[] prompt) => Chain(scope, prompt, []);

    private static ulong[] Chain(byte[] prompt) => Chain(1, prompt, []);

    private static ulong[] Chain(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => Chain(1, first, second);

    private static ulong[] Chain(ulong scope, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        using var builder = new PrefixChainBuilder();
        builder.Start(scope);
        builder.Append(first);
        builder.Append(second);
        return builder.Blocks.ToArray();
    }
}
