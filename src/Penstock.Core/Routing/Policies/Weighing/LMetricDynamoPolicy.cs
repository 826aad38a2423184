using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// LMetric in Dynamo's terms (proposed in its issue 11029): the least of prefill blocks, this request's included and
/// less what is cached, times decode blocks + 1; see <see cref="DynamoBlocks"/>.
/// </summary>
internal sealed class LMetricDynamoPolicy : RoutePolicy
{
    private static readonly string[] Names = ["prefill", "decoding"];
    private static readonly string[] Units = ["blocks", "blocks"];

    public override string Name => "lmetric-dynamo";

    public override CostKind Kind => CostKind.Product;

    public override string Unit => "blocks·blocks";

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            var blocks = DynamoBlocks.Of(in candidate, in pool.Replicas[candidate.Replica]);
            candidate.Terms[0] = blocks.Prefill;
            candidate.Terms[1] = blocks.Decoding;
            candidate.Cost = blocks.Prefill * (blocks.Decoding + 1);
        }
    }
}
