using Penstock.Core.Primitives;
using Penstock.Simulator.Faults;

namespace Penstock.Simulator.Tests.Faults;

public sealed class EngineFaultsTests
{
    [Fact]
    public void A_healthy_engine_does_no_harm()
    {
        foreach (var fate in Draw(new EngineFaults(), 1000))
        {
            Assert.Equal(new RequestFate(false, null, null), fate);
        }
    }

    [Fact]
    public void Rates_are_shares_of_requests()
    {
        var fates = Draw(new EngineFaults { ErrorRate = 0.1, StallRate = 0.5, DieRate = 0.25 }, 10_000);

        Assert.InRange(fates.Count(f => f.Fails), 800, 1200);
        Assert.InRange(fates.Count(f => f.StallsAfter is not null), 4700, 5300);
        Assert.InRange(fates.Count(f => f.DiesAfter is not null), 2200, 2800);
        Assert.All(fates, f => Assert.InRange(f.DiesAfter ?? 0, 0, 49));
    }

    [Fact]
    public void Turning_one_switch_leaves_what_the_others_hit()
    {
        var one = Draw(new EngineFaults { ErrorRate = 0.1 }, 1000);
        var both = Draw(new EngineFaults { ErrorRate = 0.1, DieAfterTokens = 3, StallRate = 1 }, 1000);

        Assert.Equal(one.Select(f => f.Fails), both.Select(f => f.Fails));
        Assert.All(both, f => Assert.Equal(3, f.DiesAfter));
    }

    [Fact]
    public void Every_wrong_switch_is_named()
    {
        var faults = new EngineFaults
        {
            LatencyFactor = 0,
            ErrorRate = 2,
            StallRate = double.NaN,
            StallSeconds = -1,
            DieRate = -0.1,
            DieAfterTokens = -1,
        };

        Assert.Equal(6, faults.Errors().Count);
    }

    private static List<RequestFate> Draw(EngineFaults faults, int count)
    {
        var rng = new Rng(42);
        List<RequestFate> fates = [];
        for (var i = 0; i < count; i++)
        {
            fates.Add(faults.Draw(50, ref rng));
        }

        return fates;
    }
}
