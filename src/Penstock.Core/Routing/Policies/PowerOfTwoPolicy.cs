using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// Of two eligible replicas drawn at random, the one with fewer requests in flight (Mitzenmacher, "The power of two
/// choices in randomized load balancing", 2001).
/// </summary>
internal sealed class PowerOfTwoPolicy : RoutePolicy
{
    public override string Name => "power-of-two";

    public override string Unit => "requests";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng) =>
        DrawTwo(candidates, ref rng);

    /// <summary>Gives two eligible candidates their cost, and leaves the others as they are.</summary>
    internal static void DrawTwo(Span<Candidate> candidates, ref Rng rng)
    {
        var eligible = 0;
        foreach (ref readonly var candidate in candidates)
        {
            eligible += candidate.Ineligible == Ineligible.No ? 1 : 0;
        }

        if (eligible == 0)
        {
            return;
        }

        var first = rng.NextInt32(eligible);
        var second = eligible == 1 ? first : rng.NextInt32(eligible - 1);
        second += eligible > 1 && second >= first ? 1 : 0;
        var at = 0;
        foreach (ref var candidate in candidates)
        {
            if (candidate.Ineligible == Ineligible.No)
            {
                if (at == first || at == second)
                {
                    candidate.Cost = candidate.InFlight;
                }

                at++;
            }
        }
    }
}
