using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>One eligible replica after the other.</summary>
internal sealed class RoundRobinPolicy : RoutePolicy
{
    private uint _next;

    public override string Name => "round-robin";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var start = (int)(_next++ % (uint)candidates.Length);
        for (var i = 0; i < candidates.Length; i++)
        {
            candidates[i].Cost = (i - start + candidates.Length) % candidates.Length;
        }
    }
}
