using Penstock.Core.Routing.Policies;

namespace Penstock.Core.Routing;

/// <summary>What the cost of a policy is, for those who read a decision.</summary>
public enum CostKind : byte
{
    /// <summary>The sum of its terms; a figure of its own where there are none.</summary>
    Sum,

    /// <summary>The product of its terms, of which those that may be 0 count one more.</summary>
    Product,

    /// <summary>A place: the terms are compared one after the other, as the policy's rule says. Of the cost itself only
    /// the order means something.</summary>
    Rank,

    /// <summary>A draw, by weights that come of the terms: the least drawn is taken, and the next time it is another.
    /// </summary>
    Draw,
}

/// <summary>The cost of one candidate as it is shown to people.</summary>
/// <param name="Value">The cost; null where there is none to show.</param>
/// <param name="IsPassedOver">The rule prefers others, which are there: it is behind them whatever it costs.</param>
public readonly record struct ShownCost(double? Value, bool IsPassedOver)
{
    /// <param name="cost">The candidate's.</param>
    /// <param name="chosen">That of the one that was chosen; where that is behind as well, nobody is preferred.</param>
    public static ShownCost Of(double cost, double chosen)
    {
        if (!double.IsFinite(cost))
        {
            return new(null, false);
        }

        var isBehind = cost >= Rank.Behind;
        return isBehind && chosen < Rank.Behind
            ? new(null, true)
            : new(isBehind ? cost - Rank.Behind : cost, false);
    }
}
