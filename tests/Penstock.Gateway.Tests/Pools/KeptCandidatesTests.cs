using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Tests.Pools;

public class KeptCandidatesTests
{
    [Fact]
    public void All_are_kept_of_few()
    {
        var all = Candidates(KeptCandidates.CountMax, 1);
        Assert.Equal(all.Select(c => c.Replica), KeptCandidates.Cheapest(all).Select(c => c.Replica));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(256)]
    public void Of_many_the_cheapest_that_could_be_chosen_are_kept_in_the_order_of_their_slots(int count)
    {
        for (var seed = 1; seed < 50; seed++)
        {
            var all = Candidates(count, seed);
            var cheapest = all.OrderBy(c => c.Ineligible != Ineligible.No).ThenBy(c => c.Cost)
                .Take(KeptCandidates.CountMax).Select(c => c.Replica).Order();
            Assert.Equal(cheapest, KeptCandidates.Cheapest(all).Select(c => c.Replica));
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void A_slot_that_no_replica_has_is_not_kept(int count)
    {
        var all = Candidates(count, 1);
        all[1].Ineligible = Ineligible.Absent;
        Assert.DoesNotContain(KeptCandidates.Cheapest(all), c => c.Replica == 1);
        Assert.Equal(Math.Min(count - 1, KeptCandidates.CountMax), KeptCandidates.Cheapest(all).Length);
    }

    private static Candidate[] Candidates(int count, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable.Range(0, count).Select(i => new Candidate
            {
                Replica = i,
                Cost = random.NextDouble(),
                Ineligible = random.Next(3) == 0 ? Ineligible.NotHealthy : Ineligible.No,
            }),
        ];
    }
}
