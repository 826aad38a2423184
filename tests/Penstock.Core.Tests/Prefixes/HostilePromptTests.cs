using System.Text;
using Penstock.Core.Prefixes;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>Prompts that are written to do harm: what they cost is counted in blocks, marks and entries.</summary>
public class HostilePromptTests
{
    private const int Block = PrefixChainBuilder.BlockBytes;
    private const int Colliding = 300;

    /// <summary>What places a block in a table of 1,024 buckets.</summary>
    private const ulong Low = 1_023;

    [Fact]
    public void Prompts_that_meet_in_one_place_of_the_table_under_a_known_secret_are_spread_under_another()
    {
        List<byte[]> chosen = [];
        for (var i = 0; chosen.Count < Colliding; i++)
        {
            var prompt = Encoding.UTF8.GetBytes($"{i}".PadLeft(Block));
            if (Place(First(prompt, scope: 1)) == 7)
            {
                chosen.Add(prompt);
            }
        }

        var places = chosen.GroupBy(p => Place(First(p, scope: 2))).Select(g => g.Count());

        // 300 balls thrown into 1,024 urns: five in one is one chance in some hundred, eight one in a million.
        Assert.InRange(places.Max(), 1, 8);
    }

    /// <summary>An engine's order of loss knows no tenants, and so neither does the mirror: what each of them is sure
    /// of is what it used within the last capacity of work, whatever the others send.</summary>
    [Theory]
    [InlineData(80, 10)]
    [InlineData(120, 0)]
    public void A_flood_of_prompts_takes_from_another_tenant_what_it_did_not_use_for_a_capacity_of_work(
        int floodBlocks, int left)
    {
        var index = new PrefixIndex(1, 4_096, new PrefixKeying(16, AreTokens: true));
        index.Shape(0, new CacheShape { Kind = CacheKind.Paged, BlockTokens = 16, CapacityTokens = 100 * 16 });
        var victim = ListIndex.Chain([0], 10);
        Ask(index, victim);
        for (var round = 1; round <= 50; round++)
        {
            for (var sent = 0; sent < floodBlocks; sent += 20)
            {
                Ask(index, ListIndex.Chain([(round * 1_000) + sent], 20));
            }

            Assert.Equal(left, Held(index, victim));
            Ask(index, victim);
        }

        Assert.Equal(0, index.PinsAt(0));
        Assert.InRange(index.CountOf(0), 1, 100 + 1);
    }

    [Fact]
    public void A_flood_at_one_replica_takes_no_entry_of_another()
    {
        var index = new PrefixIndex(2, 64, new PrefixKeying(16, AreTokens: true));
        var quiet = ListIndex.Chain([0], 10);
        index.Insert(quiet, 1);
        for (var i = 1; i <= 500; i++)
        {
            Ask(index, ListIndex.Chain([i], 40));
            Assert.InRange(index.CountOf(0), 1, 64);
        }

        var held = new int[2];
        index.Match(quiet, held);
        Assert.Equal(10, held[1]);
    }

    [Fact]
    public void A_million_messages_of_one_letter_leave_a_bounded_number_of_marks()
    {
        using var chain = new PrefixChainBuilder();
        chain.Start(1);
        for (var i = 0; i < 1_000_000; i++)
        {
            chain.Append("<a>"u8);
            chain.Mark();
        }

        Assert.Equal(3_000_000 / Block, chain.Blocks.Length);
        Assert.InRange(
            chain.Prompt.Marks.Length, PrefixChainBuilder.LastMarks,
            PrefixChainBuilder.FirstMarks + (2 * PrefixChainBuilder.LastMarks));
        var index = new PrefixIndex(1, 256, PrefixKeying.Bytes);
        var claim = index.Dispatched(chain.Prompt, 0, default);
        index.Released(chain.Prompt, 0, in claim, new CacheReport(true, 750_000, 0, 1), default);
        Assert.InRange(index.CountOf(0), 1, 256);
        Assert.Equal(0, index.PinsAt(0));
    }

    [Fact]
    public void Equal_blocks_are_as_many_entries_as_there_are_blocks()
    {
        const int Blocks = PrefixChainBuilder.BlocksMax;
        using var chain = new PrefixChainBuilder();
        chain.Start(1);
        var block = new byte[Block];
        for (var i = 0; i < Blocks + 5; i++)
        {
            chain.Append(block);
        }

        var index = new PrefixIndex(1, 2 * Blocks, PrefixKeying.Bytes);
        index.Insert(chain.Blocks, 0);
        Assert.Equal(Blocks, index.CountOf(0));
        Assert.Equal(Blocks, Held(index, chain.Blocks));
        Assert.Equal(100, Held(index, chain.Blocks[..100]));
        Assert.Equal(Blocks, chain.Blocks.ToArray().Distinct().Count());
    }

    /// <summary>Its last mark is one in its middle: past what the chain keeps nothing would tell two prompts apart.
    /// </summary>
    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Slots)]
    public void What_is_counted_of_a_prompt_longer_than_its_chain_is_not_taken_for_its_beginning(CacheKind kind)
    {
        using var chain = new PrefixChainBuilder();
        var index = new PrefixIndex(1, 20_000, PrefixKeying.Bytes);
        index.Shape(0, new CacheShape { Kind = kind, BlockTokens = 16, Slots = 1, CapacityTokens = 4_000_000 });
        Feed(chain, 'b', PrefixChainBuilder.BlocksMax * Block);
        Assert.False(chain.Prompt.HasEnd);
        var claim = index.Dispatched(chain.Prompt, 0, default);
        index.Released(chain.Prompt, 0, in claim, new CacheReport(true, 1_100_000, 0, 50), default);

        Feed(chain, 'c', 1_000);
        Assert.True(chain.Prompt.HasEnd);
        Assert.InRange(index.TokensOf(chain.Prompt), 1_200, 1_300);
        var matches = new PrefixMatch[1];
        index.Match(chain.Prompt, matches);
        Assert.InRange(matches[0].Tokens, 980, 1_010);
    }

    /// <summary>A system prompt of a thousand tokens, and a message.</summary>
    private static void Feed(PrefixChainBuilder chain, char letter, int bytes)
    {
        chain.Start(1);
        chain.Append(Encoding.UTF8.GetBytes(new string('a', 4_000)));
        chain.Mark();
        chain.Append(Encoding.UTF8.GetBytes(new string(letter, bytes)));
        chain.Mark();
        chain.Append("]"u8);
    }

    private static void Ask(PrefixIndex index, ulong[] chain)
    {
        var prompt = new PromptPrefix { Blocks = chain, Length = chain.Length * 16 };
        var claim = index.Dispatched(prompt, 0, default);
        index.Released(prompt, 0, in claim, new CacheReport(true, 0, -1, 0), default);
    }

    private static int Held(PrefixIndex index, ReadOnlySpan<ulong> chain)
    {
        var matched = new int[1];
        index.Match(chain, matched);
        return matched[0];
    }

    private static ulong First(byte[] prompt, ulong scope)
    {
        using var chain = new PrefixChainBuilder();
        chain.Start(scope);
        chain.Append(prompt);
        return chain.Blocks[0];
    }

    private static ulong Place(ulong hash) => (hash ^ (hash >> 32)) & Low;
}
