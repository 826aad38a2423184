using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

public class FleetTrafficTests
{
    private static FleetSums Sums(int own, int all) => new()
    {
        Eligible = 4, Prefilling = 2, InFlightHere = own, InFlight = all, BacklogSeconds = 2,
    };

    /// <summary>A client that waits for each answer finds nothing of its own in flight whenever it asks, but for the
    /// one time that it asked two things at once.</summary>
    [Fact]
    public void A_quiet_node_beside_busy_ones_pays_the_price_of_their_traffic_and_no_more()
    {
        var traffic = default(FleetTraffic);
        var price = 0.0;
        for (var i = 0; i < 10_000; i++)
        {
            price = traffic.Price(Sums(i == 1 ? 1 : 0, i == 1 ? 41 : 40), Instant.FromSeconds(10 * i));
        }

        // A request each 10 s, and 40 times as many elsewhere: a second of work delays those four replicas' share.
        Assert.InRange(price, 0.1, 2);
    }

    [Fact]
    public void All_the_traffic_is_that_of_the_only_node()
    {
        var (alone, half) = (default(FleetTraffic), default(FleetTraffic));
        var (whole, shared) = (0.0, 0.0);
        for (var i = 0; i < 1_000; i++)
        {
            whole = alone.Price(Sums(20, 20), Instant.FromSeconds(i));
            shared = half.Price(Sums(20, 40), Instant.FromSeconds(i));
        }

        Assert.InRange(shared / whole, 1.9, 2);
    }

    [Fact]
    public void Where_nobody_can_be_chosen_nothing_has_a_price() =>
        Assert.Equal(0, default(FleetTraffic).Price(default, Instant.FromSeconds(1)));
}
