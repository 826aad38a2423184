using System.Globalization;

namespace Penstock.LiveBench.Report;

/// <summary>The table of a comparison: one row a policy, the best p90 time to first token first.</summary>
internal static class LeagueTable
{
    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    private static readonly (string Name, int Width, Func<RunResult, double> Of, string Format)[] s_columns =
    [
        ("TTFT mean", 16, run => run.FirstToken.Mean, "F2"),
        ("p50", 7, run => run.FirstToken.P50, "F2"),
        ("p90", 16, run => run.FirstToken.P90, "F2"),
        ("p99", 14, run => run.FirstToken.P99, "F1"),
        ("TPOT ms", 9, run => run.PerToken.Mean * 1000, "F1"),
        ("E2E", 7, run => run.Whole.Mean, "F1"),
        ("hit %", 13, run => run.HitRate * 100, "F1"),
        ("requests", 9, run => run.Requests, "F0"),
        ("failed", 7, run => run.Failed + run.Unanswered, "F1"),
        ("top share %", 12, run => run.ReplicaShares.Max() * 100, "F1"),
        ("CPU gw/eng/cl", 22, run => 0, ""),
    ];

    public static void Write(TextWriter output, ResultFile results, double cpuLimit)
    {
        var settings = results.Settings;
        foreach (var command in results.Commands)
        {
            output.WriteLine($"command  {command}");
        }

        output.WriteLine($"machine  {results.Machine}");
        output.WriteLine(string.Create(s_culture,
            $"load     {settings.Sessions} sessions on {settings.Replicas} replicas {settings.Profile}, "
            + $"{settings.KvTokens:N0} tokens of cache each; {settings.Minutes} min after {settings.WarmUpMinutes} min "
            + $"of warm-up, {settings.TimeScale} times as fast"));
        WriteLoad(output, results.Runs);
        output.WriteLine("cells    mean over seeds ± half of the 95% confidence interval; seconds and minutes virtual");
        WriteRows(output, results.Runs);
        WriteDifferences(output, results);
        WritePredictions(output, results.Runs);
        WriteWarnings(output, results.Runs, cpuLimit);
    }

    private static void WriteLoad(TextWriter output, List<RunResult> runs) => output.WriteLine(string.Create(s_culture,
        $"         distinct prompt tokens {runs.Average(run => run.WorkingSet):F1} times the caches, open sessions "
        + $"{runs.Average(run => run.OpenSet):F1} times; prompt {runs.Average(run => run.PromptTokensMean):N0} and "
        + $"answer {runs.Average(run => run.OutputTokensMean):N0} tokens in the mean; "
        + $"one endless cache would hit {runs.Average(run => run.HitRateMax):P1}"));

    private static void WriteRows(TextWriter output, List<RunResult> runs)
    {
        output.WriteLine();
        output.Write("policy".PadRight(24) + "seeds".PadLeft(6));
        foreach (var (name, width, _, _) in s_columns)
        {
            output.Write(name.PadLeft(Math.Max(width, name.Length + 2)));
        }

        output.WriteLine("  engine TTFT".PadLeft(15));
        foreach (var policy in ByTail(runs))
        {
            output.Write(policy.Key.PadRight(24) + string.Create(s_culture, $"{policy.Count()}").PadLeft(6));
            foreach (var (name, width, of, format) in s_columns)
            {
                var cell = format.Length == 0
                    ? Cpu(policy)
                    : Cell(Estimate.Of([.. policy.Select(of)]), format, width > 12);
                output.Write(cell.PadLeft(Math.Max(width, name.Length + 2)));
            }

            output.WriteLine(Number(policy.Average(run => run.EngineFirstTokenMean), "F2").PadLeft(15));
        }
    }

    /// <summary>Runs of one seed play the same sessions, so they are compared seed by seed.</summary>
    private static void WriteDifferences(TextWriter output, ResultFile results)
    {
        if (results.Runs.All(run => run.Policy == results.Reference))
        {
            return;
        }

        var first = results.Runs.Where(run => run.Policy == results.Reference).ToDictionary(run => run.Seed);
        output.WriteLine();
        output.WriteLine($"difference to {results.Reference}, paired by seed".PadRight(46) + "TTFT mean".PadLeft(18)
            + "p90".PadLeft(18) + "p99".PadLeft(18) + "hit %".PadLeft(18));
        foreach (var policy in ByTail(results.Runs).Where(policy => policy.Key != results.Reference))
        {
            var pairs = policy.Where(run => first.ContainsKey(run.Seed)).ToList();
            output.Write(policy.Key.PadRight(46));
            foreach (var of in new Func<RunResult, double>[]
            {
                run => run.FirstToken.Mean, run => run.FirstToken.P90, run => run.FirstToken.P99,
                run => run.HitRate * 100,
            })
            {
                var differences = pairs.Select(run => of(run) - of(first[run.Seed])).ToList();
                var cell = pairs.Count == 0 ? "-" : Cell(Estimate.Of(differences), "+0.00;-0.00", true);
                output.Write(cell.PadLeft(18));
            }

            output.WriteLine();
        }
    }

    private static void WritePredictions(TextWriter output, List<RunResult> runs)
    {
        var known = runs.Where(run => run.Predictions is not null).GroupBy(run => run.Policy).ToList();
        if (known.Count == 0)
        {
            return;
        }

        output.WriteLine();
        output.WriteLine("cached tokens".PadRight(24) + "predicted/reported".PadLeft(20) + "within 64".PadLeft(12)
            + "requests".PadLeft(10));
        foreach (var policy in known)
        {
            var all = policy.Select(run => run.Predictions!).ToList();
            var ratio = (double)all.Sum(one => one.Predicted) / Math.Max(1, all.Sum(one => one.Reported));
            var within = all.Average(one => one.WithinBlock) * 100;
            output.WriteLine(policy.Key.PadRight(24) + Number(ratio, "F3").PadLeft(20)
                + $"{Number(within, "F1")}%".PadLeft(12) + Number(all.Sum(one => one.Requests), "F0").PadLeft(10));
        }
    }

    private static void WriteWarnings(TextWriter output, List<RunResult> runs, double cpuLimit)
    {
        output.WriteLine();
        foreach (var run in runs.Where(run => run.Cpu.Machine > cpuLimit))
        {
            output.WriteLine(string.Create(s_culture,
                $"WARNING  {run.Policy}, seed {run.Seed}: the machine was {run.Cpu.Machine:F0}% busy, more than "
                + $"{cpuLimit:F0}%; its times include waiting for a core"));
        }

        foreach (var run in runs.Where(run => run.Failures.Count > 0))
        {
            output.WriteLine($"WARNING  {run.Policy}, seed {run.Seed}: {run.Failures[0]}");
        }
    }

    private static IOrderedEnumerable<IGrouping<string, RunResult>> ByTail(List<RunResult> runs) =>
        runs.GroupBy(run => run.Policy).OrderBy(policy => policy.Average(run => run.FirstToken.P90));

    private static string Cpu(IEnumerable<RunResult> runs)
    {
        var all = runs.ToList();
        string Percent(Func<CpuShare, double> of) => Number(all.Average(run => of(run.Cpu)), "F0");
        return $"{Percent(cpu => cpu.Gateway)}/{Percent(cpu => cpu.Engines)}/{Percent(cpu => cpu.Clients)} of "
            + $"{Percent(cpu => cpu.Machine)}%";
    }

    private static string Cell(Estimate estimate, string format, bool withInterval)
    {
        var mean = Number(estimate.Mean, format);
        var digits = format.StartsWith('+') ? "F2" : format;
        return withInterval && double.IsFinite(estimate.HalfWidth)
            ? $"{mean} ±{Number(estimate.HalfWidth, digits)}"
            : mean;
    }

    private static string Number(double value, string format) => value.ToString(format, s_culture);
}
