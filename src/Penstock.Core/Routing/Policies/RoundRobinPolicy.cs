using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>One eligible replica after the other, in the order of their slots.</summary>
internal sealed class RoundRobinPolicy : RoutePolicy
{
    private int _next;

    public override string Name => "round-robin";

    public override string Unit => "places";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var start = _next;
        var first = -1;
        for (var place = 0; place < candidates.Length; place++)
        {
            var slot = (start + place) % candidates.Length;
            candidates[slot].Cost = place;
            if (first < 0 && candidates[slot].Ineligible == Ineligible.No)
            {
                first = slot;
            }
        }

        // On from the one that is taken: counting the calls alone would give the successor of a slot that is out of
        // service a double share.
        if (first >= 0)
        {
            _next = (first + 1) % candidates.Length;
        }
    }

    public override void Save(StateWriter to) => to.Write(_next);

    public override void Load(ref StateReader from) => _next = PolicyState.Checked(from.Read<int>());
}
