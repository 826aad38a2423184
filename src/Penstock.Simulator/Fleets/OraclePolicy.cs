using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Fleets;

/// <summary>
/// The replica whose first token would come first, by the true state of the engines: what their caches hold, how much
/// prefill is left in them, and what their steps take. No router can know this. It is the yardstick for what is lost by
/// not knowing, not for what the best rule could reach: it looks at one request at a time.
/// </summary>
public sealed class OraclePolicy(IReadOnlyList<EngineModel> engines) : RoutePolicy
{
    public const string PolicyName = "oracle";

    public override string Name => PolicyName;

    public override string Unit => "s";

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            var engine = engines[candidate.Replica];
            var cached = engine.CachedTokens(request.Prompt.Blocks);
            candidate.Cost = engine.SecondsToPrefill(request.Prompt.Length - cached, request.At);
        }
    }
}
