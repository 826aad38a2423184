using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Primitives;

public class RngTests
{
    /// <summary>From the authors' xoroshiro128++ and SplitMix64, run apart from this code.</summary>
    [Theory]
    [InlineData(0, 0x6F68E1E7E2646EE1, 0xBF971B7F454094AD, 0x48F2DE556F30DE38, 0x6EA7C59F89BBFC75)]
    [InlineData(42, 0xE88AF6CAEF1D3C23, 0x54A303B2A5A54931, 0xF370812CCD646345, 0x345839C63F9ABB35)]
    [InlineData(ulong.MaxValue, 0xB897602E7938C912, 0x92AC733C00C69E74, 0x79077F68C57FD4F5, 0xC2236F3F6278B151)]
    public void A_seed_gives_the_published_sequence(ulong seed, ulong first, ulong second, ulong third, ulong fourth)
    {
        var rng = new Rng(seed);
        Assert.Equal(
            [first, second, third, fourth],
            [rng.NextUInt64(), rng.NextUInt64(), rng.NextUInt64(), rng.NextUInt64()]);
    }

    [Fact]
    public void A_copy_goes_on_as_the_original_does()
    {
        var rng = new Rng(7);
        rng.NextUInt64();
        var copy = rng;
        Assert.Equal(rng.NextUInt64(), copy.NextUInt64());
    }

    [Fact]
    public void Whole_numbers_stay_below_their_bound() =>
        Prop.ForAll<ulong, int>((seed, bound) =>
        {
            var rng = new Rng(seed);
            return bound <= 0 || rng.NextInt32(bound) is var n && n >= 0 && n < bound;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Fractions_stay_below_one() =>
        Prop.ForAll<ulong>(seed => new Rng(seed).NextDouble() is >= 0 and < 1).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_value_below_a_small_bound_comes_about_equally_often()
    {
        const int Draws = 60_000;
        var counts = new int[6];
        var rng = new Rng(1);
        for (var i = 0; i < Draws; i++)
        {
            counts[rng.NextInt32(6)]++;
        }

        // Chi-squared with 5 degrees of freedom; 20.5 is passed by one seed in a thousand, and this seed is fixed.
        var chiSquared = counts.Sum(c => Math.Pow(c - (Draws / 6.0), 2) / (Draws / 6.0));
        Assert.True(chiSquared < 20.5, $"{chiSquared}: {string.Join(' ', counts)}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_bound_that_leaves_nothing_to_draw_is_a_bug(int bound) =>
        Assert.Throws<InvariantException>(() => new Rng(1).NextInt32(bound));
}
