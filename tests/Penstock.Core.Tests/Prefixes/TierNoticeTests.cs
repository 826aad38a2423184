using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>What engines say of the tiers that their blocks are in, in the orders in which they say it.</summary>
public sealed class TierNoticeTests : IPoolTeller
{
    private const int Block = 4;
    private const CacheTier Device = CacheTier.Device;
    private const CacheTier Host = CacheTier.Host;
    private const CacheTier Disk = CacheTier.Disk;

    private static readonly PrefixKeying s_keying = new(Block, AreTokens: true);
    private static readonly ulong[] s_chain = ListIndex.Chain([1], 6);

    private readonly PrefixIndex _index = NewIndex();

    void IPoolTeller.Tell(in PoolEvent happened, in PromptPrefix blocks)
    {
        if (happened.Kind == PoolEventKind.CacheStored)
        {
            _index.Stored(0, happened.Tier, blocks.Blocks);
        }
        else
        {
            _index.Removed(0, happened.Tier, blocks.Blocks);
        }
    }

    /// <summary>vLLM with an offloading connector, and SGLang's HiCache that writes through: what is computed is copied
    /// to the host's memory at once, and dropped from the device when that needs room.</summary>
    [Fact]
    public void A_block_that_was_copied_down_before_it_is_dropped_above_is_found_below()
    {
        _index.Stored(0, Device, s_chain);
        _index.Stored(0, Host, s_chain);
        Assert.Equal((24, 0, 0), Tokens());
        _index.Removed(0, Device, s_chain.AsSpan(4));
        Assert.Equal((16, 8, 0), Tokens());
        Assert.Equal((16, 8), (Match().Device, Match().Host));

        // Loaded again, the copy stays.
        _index.Stored(0, Device, s_chain.AsSpan(4));
        Assert.Equal((24, 0, 0), Tokens());
        _index.Removed(0, Device, s_chain);
        Assert.Equal((0, 24, 0), Tokens());
        _index.Removed(0, Host, s_chain);
        Assert.Equal((0, 0, 0), Tokens());
        Assert.Equal(0, _index.CountOf(0));
    }

    /// <summary>SGLang's HiCache that writes back: on the way out.</summary>
    [Fact]
    public void A_block_that_is_dropped_above_before_it_is_stored_below_is_found_there()
    {
        _index.Stored(0, Device, s_chain);
        _index.Removed(0, Device, s_chain.AsSpan(3));
        _index.Stored(0, Host, s_chain.AsSpan(3));
        Assert.Equal((12, 12, 0), Tokens());
        Assert.Equal((12, 12), (Match().Device, Match().Host));
    }

    [Fact]
    public void A_block_goes_down_three_tiers_and_comes_up_again()
    {
        _index.Stored(0, Device, s_chain);
        _index.Stored(0, Host, s_chain);
        _index.Stored(0, Disk, s_chain);
        _index.Removed(0, Device, s_chain);
        Assert.Equal((0, 24, 0), Tokens());
        _index.Removed(0, Host, s_chain);
        Assert.Equal((0, 0, 24), Tokens());
        _index.Stored(0, Host, s_chain.AsSpan(0, 2));
        Assert.Equal((0, 8, 16), Tokens());
        Assert.Equal((8, 16), (Match().Host, Match().Disk));
        _index.Removed(0, Disk, s_chain);
        Assert.Equal((0, 8, 0), Tokens());
    }

    /// <summary>TensorRT-LLM says where a block went; what it left follows from that.</summary>
    [Fact]
    public void A_block_that_is_moved_is_where_it_was_moved_to()
    {
        _index.Stored(0, Device, s_chain);
        _index.Stored(0, Host, s_chain.AsSpan(5));
        _index.Removed(0, Device, s_chain.AsSpan(5));
        Assert.Equal((20, 4, 0), Tokens());
        _index.Stored(0, Device, s_chain.AsSpan(5));
        _index.Removed(0, Host, s_chain.AsSpan(5));
        Assert.Equal((24, 0, 0), Tokens());
        _index.Removed(0, Device, s_chain.AsSpan(5));
        Assert.Equal((20, 0, 0), Tokens());
    }

    [Fact]
    public void What_a_request_brought_up_is_below_still_when_the_device_drops_it()
    {
        _index.Stored(0, Host, s_chain);
        var prompt = new PromptPrefix { Blocks = s_chain, Length = s_chain.Length * Block };
        var claim = _index.Dispatched(prompt, 0, default);
        Assert.Equal((24, 0, 0), Tokens());
        _index.Removed(0, Host, s_chain.AsSpan(5));
        _index.Released(prompt, 0, in claim, new CacheReport(true, 0, -1, 0), default);
        _index.Removed(0, Device, s_chain);
        Assert.Equal((0, 20, 0), Tokens());
    }

    /// <summary>The same from an engine's own names on: what it stores in another tier has no tokens, and from some no
    /// size either.</summary>
    [Theory]
    [InlineData(Block)]
    [InlineData(0)]
    public void The_events_of_an_engine_end_where_it_has_the_block(int size)
    {
        var holdings = new ReplicaHoldings(42, secret: 7, blocksMax: 1_000);
        holdings.Sit(this, 0, s_keying, default);
        void Take(KvEvent e) => holdings.Take(in e, 0, default);
        Take(new KvEvent { Hashes = [1, 2], Tokens = [1, 2, 3, 4, 5, 6, 7, 8], BlockTokens = Block });
        Take(new KvEvent { Hashes = [1, 2], BlockTokens = size, Tier = KvTier.Host, HasParent = true });
        Take(new KvEvent { Kind = KvEventKind.Removed, Hashes = [2] });
        Assert.Equal((4, 4, 0), Tokens());
        Take(new KvEvent { Kind = KvEventKind.Removed, Hashes = [1] });
        Assert.Equal((0, 8, 0), Tokens());
    }

    [Fact]
    public void Whatever_is_said_in_whatever_order_each_block_is_in_the_fastest_tier_that_has_it() =>
        Prop.ForAll<(byte, byte)[]>(steps =>
        {
            var index = NewIndex();
            var held = s_chain.ToDictionary(b => b, _ => new SortedSet<CacheTier>());
            foreach (var (what, which) in steps)
            {
                var tier = (CacheTier)(what % 3);
                var at = which % s_chain.Length;
                var blocks = s_chain.AsSpan(at, Math.Min(1 + (what % 2), s_chain.Length - at));
                foreach (var block in blocks)
                {
                    _ = what / 3 % 2 == 0 ? held[block].Add(tier) : held[block].Remove(tier);
                }

                if (what / 3 % 2 == 0)
                {
                    index.Stored(0, tier, blocks);
                }
                else
                {
                    index.Removed(0, tier, blocks);
                }

                index = which % 16 == 0 ? Reloaded(index) : index;
                foreach (var each in (CacheTier[])[Device, Host, Disk])
                {
                    Assert.Equal(
                        Block * held.Values.Count(tiers => tiers.Count > 0 && tiers.Min == each),
                        index.TokensAt(0, each));
                }

                Assert.Equal(held.Values.Count(tiers => tiers.Count > 0), index.CountOf(0));
            }
        }).QuickCheckThrowOnFailure();

    private static PrefixIndex NewIndex()
    {
        var index = new PrefixIndex(1, 100, s_keying);
        index.Shape(0, new CacheShape
        {
            Kind = CacheKind.Paged, BlockTokens = 1, CapacityTokens = 400, HostTokens = 400, DiskTokens = 400,
        });
        return index;
    }

    private static PrefixIndex Reloaded(PrefixIndex index)
    {
        var bytes = new ArrayBufferWriter<byte>();
        index.Save(new StateWriter(bytes));
        var loaded = new PrefixIndex(1, 100, s_keying);
        var from = new StateReader(bytes.WrittenSpan);
        loaded.Load(ref from);
        return loaded;
    }

    private (long Device, long Host, long Disk) Tokens() =>
        (_index.TokensAt(0), _index.TokensAt(0, Host), _index.TokensAt(0, Disk));

    private PrefixMatch Match()
    {
        var matches = new PrefixMatch[1];
        ulong[] chain = [.. s_chain, 9];
        _index.Match(new PromptPrefix { Blocks = chain, Length = chain.Length * Block }, matches);
        return matches[0];
    }
}
