using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// One rule for choosing a replica: it gives every eligible candidate a cost, and the lowest wins. Policies hold no
/// state beyond what their rule needs and allocate nothing. A new policy is one file and one line in
/// <see cref="RoutePolicies"/>.
/// </summary>
/// <remarks>A policy belongs to one pool, whose owner calls it in order. One that keeps state saves it, so that a
/// decision log can be replayed from a point in its middle.</remarks>
public abstract class RoutePolicy
{
    /// <summary>The name in configuration and reports.</summary>
    public abstract string Name { get; }

    /// <summary>Names of the cost's terms, in their order, at most seven; empty where the cost is one figure.</summary>
    public virtual ReadOnlySpan<string> TermNames => [];

    /// <summary>What the cost is.</summary>
    public virtual CostKind Kind => CostKind.Sum;

    /// <summary>The unit of the cost; empty where it has none.</summary>
    public virtual string Unit => "";

    /// <summary>The units of the terms, in their order; empty where all have that of the cost.</summary>
    public virtual ReadOnlySpan<string> TermUnits => [];

    /// <summary>The unit of one term.</summary>
    public string UnitOf(int term) => TermUnits.IsEmpty ? Unit : TermUnits[term];

    /// <summary>
    /// Sets the cost (and terms) of the candidates. The cost of one that is not eligible is ignored, and one left at
    /// infinity is not chosen.
    /// </summary>
    public abstract void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng);

    /// <summary>
    /// When a candidate that was just scored is expected to give the tokens of the answer; null for policies that do
    /// not put those behind who miss an objective by it. That the request was dispatched since makes no difference.
    /// </summary>
    public virtual TokenTimes? Expect(in Candidate candidate, PoolState pool) => null;

    /// <summary>Something happened to the pool, whose state knows of it already.</summary>
    /// <param name="happened">What.</param>
    /// <param name="prompt">The prompt that it goes with, where it goes with one.</param>
    /// <param name="pool">The state after it.</param>
    public virtual void Happened(in PoolEvent happened, in PromptPrefix prompt, PoolState pool)
    {
    }

    /// <summary>Writes the policy's own state.</summary>
    public virtual void Save(StateWriter to)
    {
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public virtual void Load(ref StateReader from)
    {
    }
}
