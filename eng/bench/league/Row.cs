using System.Globalization;
using Penstock.Simulator.Fleets;

namespace Penstock.League;

/// <summary>One policy's line of the table; the first column is compared seed by seed with the first policy.</summary>
internal static class Row
{
    /// <summary>Student's t, two-sided 95 %, by degrees of freedom from 1 on.</summary>
    private static readonly double[] T =
        [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131];

    public static string Head =>
        $"{"policy",-30} {"p90 beyond first",17} {"ttft mean",15} {"p50",7} {"p90",15} {"p99",15} "
        + $"{"in 1 s",7} {"2 s",7} {"5 s",7} "
        + $"{"tpot ms",8} {"e2e p90",8} {"hit",6} {"pred",6} {"1blk",6} {"share max",9} {"requests",9} {"errors",6}";

    public static string Of(string policy, FleetOutcome[] runs, FleetOutcome[] first)
    {
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{policy,-30} {Interval(runs.Zip(first, (a, b) => a.FirstToken.P90 - b.FirstToken.P90)),17} "
            + $"{Interval(runs, r => r.FirstToken.Mean),15} {Mean(runs, r => r.FirstToken.P50),7:F3} "
            + $"{Interval(runs, r => r.FirstToken.P90),15} {Interval(runs, r => r.FirstToken.P99),15} "
            + $"{Mean(runs, r => r.Within(1)),7:P2} {Mean(runs, r => r.Within(2)),7:P2} "
            + $"{Mean(runs, r => r.Within(5)),7:P2} "
            + $"{Mean(runs, r => r.PerToken.Mean) * 1000,8:F1} {Mean(runs, r => r.Duration.P90),8:F2} "
            + $"{Mean(runs, r => r.HitRate),6:P1} {Mean(runs, r => r.PredictedPerCached),6:F3} "
            + $"{Mean(runs, r => r.WithinABlock),6:P1} {Mean(runs, r => r.Shares.Max()),9:P1} "
            + $"{Mean(runs, r => r.Measured.Count),9:F0} {Mean(runs, r => r.Errors),6:F0}");
    }

    private static double Mean(FleetOutcome[] runs, Func<FleetOutcome, double> value) => runs.Average(value);

    private static string Interval(FleetOutcome[] runs, Func<FleetOutcome, double> value) =>
        Interval(runs.Select(value));

    private static string Interval(IEnumerable<double> of)
    {
        var values = of.ToArray();
        var mean = values.Average();
        if (values.Length < 2)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{mean:F3}");
        }

        var deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
        var half = T[Math.Min(T.Length, values.Length - 1) - 1] * deviation / Math.Sqrt(values.Length);
        return string.Create(CultureInfo.InvariantCulture, $"{mean:F3} ±{half:F3}");
    }
}
