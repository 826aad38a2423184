using Penstock.Core.Routing;
using Penstock.Core.Routing.Policies;
using Penstock.Repo.Tests;

namespace Penstock.Core.Tests.Routing;

/// <summary>What policies say of their costs is so.</summary>
public class CostKindTests
{
    public static TheoryData<string> Policies => [.. RoutePolicies.Names];

    [Theory]
    [MemberData(nameof(Policies))]
    public void The_table_of_policies_says_what_each_cost_is(string name)
    {
        var policy = RoutePolicies.Create(name)!;
        var row = Repository.Read("src/Penstock.Core/Routing/Policies/README.md").Split('\n')
            .Single(l => l.StartsWith($"| `{name}` |", StringComparison.Ordinal));
        Assert.Equal(
            policy.Kind switch
            {
                CostKind.Sum => policy.Unit,
                CostKind.Product => $"product, {policy.Unit}",
                CostKind.Rank => "rank",
                _ => "draw",
            },
            row.Split('|')[^2].Trim());
        Assert.False(policy.Kind == CostKind.Sum && policy.Unit.Length == 0);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Every_term_has_a_unit_of_its_own_or_that_of_the_cost(string name)
    {
        var policy = RoutePolicies.Create(name)!;
        Assert.True(policy.TermUnits.IsEmpty || policy.TermUnits.Length >= policy.TermNames.Length);
        for (var term = 0; term < policy.TermNames.Length; term++)
        {
            // A place on a ring has none, nor what only says yes or no.
            Assert.Equal(policy.TermNames[term] is "place" or "over", policy.UnitOf(term).Length == 0);
        }
    }

    /// <summary>Over pools with much, little and nothing in flight, cached and reported.</summary>
    [Theory]
    [MemberData(nameof(Policies))]
    public void A_sum_is_the_sum_of_its_terms_and_a_product_their_product(string name)
    {
        var policy = RoutePolicies.Create(name)!;
        if (policy.TermNames.IsEmpty || policy.Kind is CostKind.Rank or CostKind.Draw)
        {
            return;
        }

        var chain = PoolRig.Chain(1, 40);
        var rig = new PoolRig(policy, 4);
        rig.Hold(1, chain, 40);
        rig.Hold(2, chain, 10);
        for (var round = 0; round < 6; round++)
        {
            rig.SendTo(round % 3, 500 * round, at: round);
            rig.FirstToken(rig.SendTo(0, 700, at: round), round + 0.5);
            rig.Report(round % 4, round, 2 * (round % 3), 0.1 * round, at: round);
            rig.Decide(3_000, round < 4 ? chain : null, at: round + 0.9, session: (ulong)round % 2);
            foreach (ref readonly var candidate in rig.Candidates)
            {
                if (ShownCost.Of(candidate.Cost, 0).Value is { } cost)
                {
                    Assert.Equal(policy.Kind == CostKind.Sum ? Sum(policy, candidate) : Product(candidate), cost, 6);
                }
            }
        }
    }

    [Fact]
    public void Who_is_behind_is_passed_over_unless_all_are()
    {
        Assert.Equal(new ShownCost(3, false), ShownCost.Of(3, 1));
        Assert.Equal(new ShownCost(null, true), ShownCost.Of(Rank.Behind + 3, 1));
        Assert.Equal(new ShownCost(3, false), ShownCost.Of(Rank.Behind + 3, Rank.Behind + 2));
        Assert.Equal(new ShownCost(null, false), ShownCost.Of(double.PositiveInfinity, 1));
        Assert.Equal(new ShownCost(-1, false), ShownCost.Of(-1, -1));
    }

    [Fact]
    public void A_rank_names_what_it_compares()
    {
        var rig = new PoolRig("sglang-cache-aware", 2);
        rig.SendTo(0);
        rig.Decide();
        Assert.Equal((1, 1), (rig.Candidates[0].Terms[0], rig.Candidates[0].Terms[1]));
        Assert.Equal((0, 0), (rig.Candidates[1].Terms[0], rig.Candidates[1].Terms[1]));
        var policy = RoutePolicies.Create("sglang-cache-aware-old")!;
        Assert.Equal(["in_flight", "sent", "held"], policy.TermNames.ToArray());
        Assert.Equal("blocks", policy.UnitOf(2));
    }

    private static double Sum(RoutePolicy policy, Candidate candidate)
    {
        var sum = 0.0;
        for (var term = 0; term < policy.TermNames.Length; term++)
        {
            sum += candidate.Terms[term];
        }

        return sum;
    }

    private static double Product(Candidate candidate) => candidate.Terms[0] * (candidate.Terms[1] + 1);
}
