namespace Penstock.LiveBench.Report;

/// <summary>A mean with half the width of its 95% confidence interval, by Student's t; NaN for one value.</summary>
internal readonly record struct Estimate(double Mean, double HalfWidth)
{
    /// <summary>97.5% quantiles of the t distribution for 1 to 30 degrees of freedom (any table of it).</summary>
    private static readonly double[] s_quantiles =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    public static Estimate Of(IReadOnlyCollection<double> values)
    {
        var mean = values.Average();
        if (values.Count < 2)
        {
            return new Estimate(mean, double.NaN);
        }

        var degrees = values.Count - 1;
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / degrees);
        var quantile = degrees <= s_quantiles.Length ? s_quantiles[degrees - 1] : 1.96;
        return new Estimate(mean, quantile * deviation / Math.Sqrt(values.Count));
    }
}
