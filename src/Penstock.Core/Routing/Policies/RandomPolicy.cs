using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>Any eligible replica, all equally likely.</summary>
internal sealed class RandomPolicy : RoutePolicy
{
    public override string Name => "random";

    public override CostKind Kind => CostKind.Draw;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        for (var i = 0; i < candidates.Length; i++)
        {
            candidates[i].Cost = rng.NextDouble();
        }
    }
}
