using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies;

/// <summary>
/// vLLM's balancer of data-parallel engines (v1 core client): the least 4·W + R, with W the requests that wait in the
/// engine and R those that run there; between two reports each request sent there counts as one that waits. Of equals
/// the first from a starting place that moves on by one, among those that can be chosen.
/// </summary>
/// <remarks>
/// 4·W + R is a whole number, so the place in the scan, a fraction below 1, breaks its ties and nothing else. What an
/// engine that never reported is taken to have is said at <see cref="EngineView"/>; requests in flight are counted
/// there already.
/// </remarks>
internal sealed class VllmDataParallelPolicy : RoutePolicy
{
    private const int WaitingWeight = 4;

    private static readonly string[] Names = ["waiting", "running", "place"];
    private static readonly string[] Units = ["requests", "requests", ""];
    private int _start;

    public override string Name => "vllm-dp";

    public override string Unit => "requests";

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var count = InFlightSpread.Of(candidates).Count;
        var start = _start % Math.Max(1, count);
        var rank = 0;
        foreach (ref var candidate in candidates)
        {
            if (candidate.Ineligible != Ineligible.No)
            {
                continue;
            }

            ref readonly var load = ref pool.Replicas[candidate.Replica];
            var view = EngineView.Of(in candidate, in load);
            var sent = double.IsFinite(candidate.LoadAge) ? load.DispatchedSince : 0;
            candidate.Terms[0] = WaitingWeight * (view.Waiting + sent);
            candidate.Terms[1] = view.Running;
            candidate.Terms[2] = (rank >= start ? rank - start : rank - start + count) / (double)count;
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2];
            rank++;
        }

        _start = (start + 1) % Math.Max(1, count);
    }

    public override void Save(StateWriter to) => to.Write(_start);

    public override void Load(ref StateReader from) => _start = PolicyState.Checked(from.Read<int>());
}
