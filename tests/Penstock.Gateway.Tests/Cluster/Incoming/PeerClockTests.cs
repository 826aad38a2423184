using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;
using Penstock.Gateway.Cluster.Incoming;

namespace Penstock.Gateway.Tests.Cluster.Incoming;

public class PeerClockTests
{
    private const long Second = 1_000_000_000;

    [Theory]
    [InlineData(0)]
    [InlineData(-3_600 * Second)]
    [InlineData(86_400 * Second)]
    public void A_message_is_as_old_as_it_was_held_up_however_the_clocks_are_set(long skew)
    {
        var clock = new PeerClock();
        var start = 100_000 * Second;
        for (var i = 0; i < 10; i++)
        {
            var received = new Instant(start + (i * Second));
            Assert.Equal(received, clock.Observe(received.Nanoseconds - 1_000 + skew, received));
        }

        var late = new Instant(start + (12 * Second));
        var at = clock.Observe(start + (10 * Second) - 1_000 + skew, late);
        Assert.Equal(late.Nanoseconds - (2 * Second), at.Nanoseconds);
    }

    [Fact]
    public void A_delay_that_stays_is_the_new_normal_after_a_minute()
    {
        var clock = new PeerClock();
        clock.Observe(0, new Instant(0));
        Instant at = default;
        for (var i = 1; i <= 62; i++)
        {
            at = clock.Observe((i * Second) - (Second / 2), new Instant(i * Second));
            Assert.Equal(i <= 30 ? (i * Second) - (Second / 2) : at.Nanoseconds, at.Nanoseconds);
        }

        Assert.Equal(62 * Second, at.Nanoseconds);
    }

    [Fact]
    public void Time_never_runs_backwards_nor_ahead_whatever_a_peer_says() =>
        Prop.ForAll<long[], int[]>(Runs).QuickCheckThrowOnFailure();

    private static void Runs(long[] sent, int[] steps)
    {
        var clock = new PeerClock();
        var now = new Instant(0);
        var last = new Instant(long.MinValue);
        for (var i = 0; i < Math.Min(sent.Length, steps.Length); i++)
        {
            now += TimeSpan.FromMilliseconds(Math.Abs((long)steps[i]) % 100_000);
            var at = clock.Observe(Math.Abs(sent[i] / 2), now);
            Assert.True(at <= now && at >= last);
            last = at;
        }
    }
}
