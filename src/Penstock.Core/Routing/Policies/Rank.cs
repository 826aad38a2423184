namespace Penstock.Core.Routing.Policies;

/// <summary>
/// Rules that compare one thing first and another where that is equal, or that prefer a set, written as one cost.
/// </summary>
/// <remarks>
/// A double holds whole numbers below 2^53 exactly. A pair of whole numbers is given 26 bits each (what is larger
/// counts as 2^26 − 1), and those who are not preferred are put 2^52 behind, which leaves them in their own order too.
/// Costs that are not whole (seconds) keep their precision in front; behind, they decide only who the runner-up is.
/// </remarks>
internal static class Rank
{
    /// <summary>What is added to the cost of those who are chosen only where nobody is preferred.</summary>
    public const double Behind = 1L << 52;

    private const long Max = (1L << 26) - 1;

    /// <summary>Less of <paramref name="first"/> wins; where that is equal, less of <paramref name="then"/>.</summary>
    public static double Of(long first, long then) =>
        (Math.Clamp(first, 0, Max) * (Max + 1.0)) + Math.Clamp(then, 0, Max);

    /// <summary>Zero for those who are preferred.</summary>
    public static double BehindUnless(bool isPreferred) => isPreferred ? 0 : Behind;
}
