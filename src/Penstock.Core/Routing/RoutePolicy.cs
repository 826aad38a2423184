using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// One rule for choosing a replica: it gives every eligible candidate a cost, and the lowest wins. Policies hold no
/// state beyond what their rule needs and allocate nothing. A new policy is one file and one line in
/// <see cref="RoutePolicies"/>.
/// </summary>
public abstract class RoutePolicy
{
    /// <summary>The name in configuration and reports.</summary>
    public abstract string Name { get; }

    /// <summary>Names of the cost's terms, in their order, at most four; empty where the cost is one figure.</summary>
    public virtual ReadOnlySpan<string> TermNames => [];

    /// <summary>The unit of cost and terms.</summary>
    public virtual string Unit => "";

    /// <summary>
    /// Sets the cost (and terms) of the candidates. The cost of one that is not eligible is ignored, and one left at
    /// infinity is not chosen.
    /// </summary>
    public abstract void Score(in RouteRequest request, PoolState pool, Span<Candidate> candidates, ref Rng rng);
}
