using System.Diagnostics;
using Penstock.LiveBench.Play;
using Penstock.LiveBench.Sessions;

namespace Penstock.LiveBench.Report;

/// <summary>What a run says beside its samples.</summary>
internal sealed record RunContext(
    int Failed, int Unanswered, int DistinctBlocks, int OpenBlocks, List<string> Failures, Predictions? Predictions);

/// <summary>Mean and percentiles of one figure over the requests of a run.</summary>
internal sealed record Spread(double Mean, double P50, double P90, double P99)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0
            ? new Spread(0, 0, 0, 0)
            : new Spread(sorted.Average(), At(sorted, 0.5), At(sorted, 0.9), At(sorted, 0.99));
    }

    /// <summary>Between the two nearest ranks.</summary>
    private static double At(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var low = (int)place;
        var high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + ((sorted[high] - sorted[low]) * (place - low));
    }
}

/// <summary>CPU of one run in percent of all cores of the machine.</summary>
/// <param name="Machine">All that ran meanwhile, other programs and the host's share included.</param>
internal sealed record CpuShare(double Gateway, double Engines, double Clients, double Machine);

/// <summary>One run, as it is written to a file. Times in virtual seconds.</summary>
internal sealed record RunResult
{
    public required string Policy { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>Requests sent in the measured part and answered.</summary>
    public required int Requests { get; init; }

    /// <summary>Answered with an error, or cut.</summary>
    public required int Failed { get; init; }

    /// <summary>Not answered when the run gave up waiting.</summary>
    public required int Unanswered { get; init; }

    public required List<string> Failures { get; init; }

    public required Spread FirstToken { get; init; }

    /// <summary>Of one token after the first.</summary>
    public required Spread PerToken { get; init; }

    public required Spread Whole { get; init; }

    /// <summary>Cached tokens over prompt tokens, as the answers say.</summary>
    public required double HitRate { get; init; }

    /// <summary>What one cache for all, without an end, would have had of the prompts.</summary>
    public required double HitRateMax { get; init; }

    public required double PromptTokensMean { get; init; }

    public required double OutputTokensMean { get; init; }

    /// <summary>The engines' own mean time to first token: without gateway, network and this machine.</summary>
    public required double EngineFirstTokenMean { get; init; }

    /// <summary>Prompt tokens computed by a replica in a virtual second.</summary>
    public required double ComputedTokensPerSecond { get; init; }

    public required double Preemptions { get; init; }

    /// <summary>Share of the requests that each replica served.</summary>
    public required double[] ReplicaShares { get; init; }

    /// <summary>Distinct prompt tokens of the run, over the caches of all replicas.</summary>
    public required double WorkingSet { get; init; }

    /// <summary>Prompt tokens of the sessions open at the end, over the caches of all replicas.</summary>
    public required double OpenSet { get; init; }

    public Predictions? Predictions { get; init; }

    public required CpuShare Cpu { get; init; }

    public static RunResult Of(PlayPlan plan, List<Sample> samples, Mark before, Mark after, RunContext context)
    {
        var settings = plan.Settings;
        var engines = after.Totals.Zip(before.Totals, static (last, first) => last - first).ToArray();
        var requests = Math.Max(1, engines.Sum(engine => engine.Requests));
        var prompts = Math.Max(1, samples.Sum(sample => (double)sample.Tokens.Prompt));
        var computed = engines.Sum(engine => engine.PromptTokens - engine.CachedTokens);
        var caches = (double)settings.KvTokens * settings.Replicas;
        return new RunResult
        {
            Policy = plan.Policy,
            Seed = plan.Seed,
            Requests = samples.Count,
            Failed = context.Failed,
            Unanswered = context.Unanswered,
            Failures = context.Failures,
            FirstToken = Spread.Of(samples.Select(sample => sample.FirstText)),
            PerToken = Spread.Of(samples.Where(sample => sample.PerToken > 0).Select(sample => sample.PerToken)),
            Whole = Spread.Of(samples.Select(sample => sample.Whole)),
            HitRate = samples.Sum(sample => (double)sample.Tokens.Cached) / prompts,
            HitRateMax = samples.Sum(sample => sample.KnownShare * sample.Tokens.Prompt) / prompts,
            PromptTokensMean = prompts / Math.Max(1, samples.Count),
            OutputTokensMean = samples.Sum(sample => (double)sample.Tokens.Output) / Math.Max(1, samples.Count),
            EngineFirstTokenMean = engines.Sum(engine => engine.FirstTokenSeconds) / requests,
            ComputedTokensPerSecond = computed / settings.Replicas / (settings.Minutes * 60),
            Preemptions = engines.Sum(engine => engine.Preemptions),
            ReplicaShares = [.. engines.Select(engine => engine.Requests / requests)],
            WorkingSet = (double)context.DistinctBlocks * TraceFile.BlockTokens / caches,
            OpenSet = (double)context.OpenBlocks * TraceFile.BlockTokens / caches,
            Predictions = context.Predictions,
            Cpu = CpuBetween(before, after),
        };
    }

    private static CpuShare CpuBetween(Mark before, Mark after)
    {
        var all = Stopwatch.GetElapsedTime(before.Timestamp, after.Timestamp).TotalSeconds
            * Environment.ProcessorCount / 100;
        return new CpuShare(
            (after.Gateway - before.Gateway) / all,
            (after.Engines - before.Engines) / all,
            (after.Clients - before.Clients) / all,
            100.0 * (after.Machine.Busy - before.Machine.Busy)
                / Math.Max(1, after.Machine.All - before.Machine.All));
    }
}
