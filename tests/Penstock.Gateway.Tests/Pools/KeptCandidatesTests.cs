using Penstock.Core.Routing;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Tests.Pools;

public class KeptCandidatesTests
{
    [Fact]
    public void All_are_kept_of_few()
    {
        var all = Candidates(KeptCandidates.CountMax, 1);
        Assert.Equal(all.Select(c => c.Replica), Keep(all).Select(c => c.Replica));
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
            Assert.Equal(cheapest, Keep(all).Select(c => c.Replica));
        }
    }

    [Fact]
    public void Of_many_that_cost_the_same_the_choice_and_the_next_best_are_kept()
    {
        var all = Candidates(64, 1);
        foreach (ref var candidate in all.AsSpan())
        {
            candidate = new Candidate { Replica = candidate.Replica };
        }

        for (var pair = 0; pair < 64 * 64; pair++)
        {
            var (chosen, next) = (pair / 64, pair % 64 == pair / 64 ? -1 : pair % 64);
            var kept = Keep(all, chosen, next).Select(c => c.Replica).ToList();
            Assert.Equal(KeptCandidates.CountMax, kept.Distinct().Count());
            Assert.Contains(chosen, kept);
            Assert.True(next < 0 || kept.Contains(next), $"{next} is not kept beside {chosen}");
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void A_slot_that_no_replica_has_is_not_kept(int count)
    {
        var all = Candidates(count, 1);
        all[1].Ineligible = Ineligible.Absent;
        Assert.DoesNotContain(Keep(all), c => c.Replica == 1);
        Assert.Equal(Math.Min(count - 1, KeptCandidates.CountMax), Keep(all).Length);
    }

    private static Candidate[] Keep(Candidate[] all, int chosen = -1, int next = -1) =>
        KeptCandidates.Keep(all, new RouteDecision(chosen, next, 0, 0, 0, 0));

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
