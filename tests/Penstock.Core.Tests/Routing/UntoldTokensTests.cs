using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

/// <summary>What is told of a cache's volume is held against what may not have been told of yet.</summary>
public class UntoldTokensTests
{
    [Fact]
    public void What_came_within_the_delay_is_left_out_whole()
    {
        var load = default(ReplicaLoad);
        UntoldTokens.Came(ref load, 1_000, At(10));
        UntoldTokens.Came(ref load, 500, At(11.9));
        Assert.True(UntoldTokens.Most(in load, default, At(10) + UntoldTokens.DelayMax) >= 1_500);
    }

    [Fact]
    public void What_came_long_ago_is_not()
    {
        var load = default(ReplicaLoad);
        UntoldTokens.Came(ref load, 1_000_000, At(10));
        Assert.InRange(UntoldTokens.Most(in load, default, At(100)), 0, 1);
    }

    [Fact]
    public void What_is_in_flight_here_and_elsewhere_is_left_out()
    {
        var load = new ReplicaLoad { PrefillTokens = 100, DecodeTokens = 20 };
        Assert.Equal(126, UntoldTokens.Most(in load, new PeerShare(1, 4, 2), At(100)));
    }

    private static Instant At(double seconds) => new((long)(seconds * 1e9));
}
