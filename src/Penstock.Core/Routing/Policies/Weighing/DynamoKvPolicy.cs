using Penstock.Core.Primitives;

namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>
/// NVIDIA Dynamo's KV router: the least of 1.0·prefill blocks (those that wait and this request's, less what is cached)
/// + decode blocks (those that decode and this request's); see <see cref="DynamoBlocks"/>.
/// </summary>
/// <remarks>
/// <c>dynamo-kv</c> takes the least, which is Dynamo's default temperature of 0. <c>dynamo-kv-softmax</c> draws with
/// chances in proportion to exp(−cost/((max − min)·T)), T = 0.5; Dynamo publishes no default above 0. The draw is made
/// by adding Gumbel noise, so that its cost is not in blocks and differs each time. Dynamo's index, its approximate
/// mode of 120 s, and its queue are the pool's index and admission.
/// </remarks>
internal sealed class DynamoKvPolicy : RoutePolicy
{
    private const double PrefillScale = 1.0;

    private static readonly string[] Names = ["prefill", "decoding", "own"];
    private static readonly string[] Units = ["blocks", "blocks", "blocks"];

    private readonly double _temperature;

    private DynamoKvPolicy(string name, double temperature)
    {
        Name = name;
        _temperature = temperature;
    }

    public static DynamoKvPolicy Least => new("dynamo-kv", 0);

    public static DynamoKvPolicy Softmax => new("dynamo-kv-softmax", 0.5);

    public override string Name { get; }

    public override CostKind Kind => _temperature > 0 ? CostKind.Draw : CostKind.Sum;

    public override string Unit => _temperature > 0 ? "" : "blocks";

    public override ReadOnlySpan<string> TermNames => Names;

    public override ReadOnlySpan<string> TermUnits => Units;

    public override void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng)
    {
        var min = double.PositiveInfinity;
        var max = double.NegativeInfinity;
        foreach (ref var candidate in candidates)
        {
            var blocks = DynamoBlocks.Of(in candidate, in pool.Replicas[candidate.Replica]);
            candidate.Terms[0] = PrefillScale * blocks.Prefill;
            candidate.Terms[1] = blocks.Decoding;
            candidate.Terms[2] = blocks.Own;
            candidate.Cost = candidate.Terms[0] + candidate.Terms[1] + candidate.Terms[2];
            if (candidate.Ineligible == Ineligible.No)
            {
                min = Math.Min(min, candidate.Cost);
                max = Math.Max(max, candidate.Cost);
            }
        }

        if (_temperature > 0)
        {
            Soften(candidates, max > min ? max - min : 1, ref rng);
        }
    }

    private void Soften(Span<Candidate> candidates, double span, ref Rng rng)
    {
        foreach (ref var candidate in candidates)
        {
            var gumbel = -Math.Log(-Math.Log(Math.Max(double.Epsilon, rng.NextDouble())));
            candidate.Cost = (candidate.Cost / (span * _temperature)) - gumbel;
        }
    }
}
