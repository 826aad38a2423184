using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Primitives;

public class InstantTests
{
    [Fact]
    public void A_span_added_is_the_difference() =>
        Prop.ForAll<int, int>((start, ticks) =>
        {
            var earlier = new Instant(start);
            return earlier + TimeSpan.FromTicks(ticks) - earlier == TimeSpan.FromTicks(ticks);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Seconds_and_nanoseconds_are_one_time()
    {
        Assert.Equal(1_500_000_000, Instant.FromSeconds(1.5).Nanoseconds);
        Assert.Equal(1.5, new Instant(1_500_000_000).Seconds);
        Assert.Equal(TimeSpan.FromSeconds(1.5), Instant.FromSeconds(1.5) - Instant.Zero);
    }

    [Fact]
    public void Less_than_a_tick_is_no_span_but_still_later()
    {
        var later = new Instant(99);
        Assert.Equal(TimeSpan.Zero, later - Instant.Zero);
        Assert.True(later > Instant.Zero);
    }

    [Fact]
    public void The_order_is_that_of_the_clock() =>
        Prop.ForAll<int, int>((a, b) =>
            (new Instant(a) < new Instant(b)) == (a < b)
            && (new Instant(a) >= new Instant(b)) == (a >= b)
            && (new Instant(a) > new Instant(b)) == (a > b)
            && (new Instant(a) <= new Instant(b)) == (a <= b)
            && Math.Sign(new Instant(a).CompareTo(new Instant(b))) == Math.Sign(a.CompareTo(b)))
            .QuickCheckThrowOnFailure();
}
