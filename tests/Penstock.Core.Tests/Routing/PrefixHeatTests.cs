using System.Buffers;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

public class PrefixHeatTests
{
    private static readonly ulong[] Shared = PoolRig.Chain(1, 100);

    [Fact]
    public void It_finds_the_longest_length_that_conversations_often_begin_with()
    {
        var heat = new PrefixHeat();
        for (var i = 0; i < 40; i++)
        {
            Begin(heat, Shared, i, at: i);
        }

        // Of 1, 2, 3, 4, 6, … 64, 96, 128: the last that all of them share. One a second, of which the first fade.
        var hot = heat.Longest([.. Shared, .. PoolRig.Chain(2, 50)], Instant.FromSeconds(40));
        Assert.Equal(96, hot.Blocks);
        Assert.InRange(hot.Rate, 0.6, 1);
        Assert.Equal(64, heat.Longest([.. Shared[..70], .. PoolRig.Chain(2, 50)], Instant.FromSeconds(40)).Blocks);
        Assert.Equal(default, heat.Longest(PoolRig.Chain(2, 50), Instant.FromSeconds(40)));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(5, 4)]
    [InlineData(7, 6)]
    [InlineData(11, 8)]
    [InlineData(12, 12)]
    [InlineData(1_535, 1_024)]
    [InlineData(1_536, 1_536)]
    public void It_knows_prefixes_of_every_length_by_the_next_shorter_step(int blocks, int known)
    {
        var heat = new PrefixHeat();
        var prompt = PoolRig.Chain(3, blocks);
        for (var i = 0; i < 20; i++)
        {
            heat.See(prompt, Instant.FromSeconds(5));
        }

        Assert.Equal(known, heat.Longest(prompt, Instant.FromSeconds(5)).Blocks);
    }

    [Fact]
    public void What_nobody_asks_for_any_more_is_forgotten()
    {
        var heat = new PrefixHeat();
        for (var i = 0; i < 40; i++)
        {
            Begin(heat, Shared, i, at: 0);
        }

        Assert.Equal(96, heat.Longest(Shared, Instant.FromSeconds(20)).Blocks);
        Assert.Equal(0, heat.Longest(Shared, Instant.FromSeconds(60)).Blocks);
        Assert.Equal(0, heat.Longest(Shared, Instant.FromSeconds(100_000)).Blocks);
    }

    [Fact]
    public void Prompts_that_nobody_shares_do_not_crowd_out_what_many_do()
    {
        var heat = new PrefixHeat();
        for (var i = 0; i < 50_000; i++)
        {
            heat.See(PoolRig.Chain((ulong)i + 10, 1_000), Instant.FromSeconds(i * 0.001));
            if (i % 500 == 0)
            {
                Begin(heat, Shared, i, at: i * 0.001);
            }
        }

        Assert.Equal(96, heat.Longest(Shared, Instant.FromSeconds(50)).Blocks);
    }

    [Fact]
    public void It_is_the_same_after_it_was_saved_and_loaded()
    {
        var heat = new PrefixHeat();
        for (var i = 0; i < 20; i++)
        {
            Begin(heat, Shared, i, at: i);
        }

        var saved = new ArrayBufferWriter<byte>();
        heat.Save(new StateWriter(saved));
        var loaded = new PrefixHeat();
        var from = new StateReader(saved.WrittenSpan);
        loaded.Load(ref from);
        var now = Instant.FromSeconds(20);
        Assert.NotEqual(default, heat.Longest(Shared, now));
        Assert.Equal(heat.Longest(Shared, now), loaded.Longest(Shared, now));
    }

    private static void Begin(PrefixHeat heat, ulong[] shared, int conversation, double at) =>
        heat.See([.. shared, .. PoolRig.Chain((ulong)conversation + 1_000_000, 40)], Instant.FromSeconds(at));
}
