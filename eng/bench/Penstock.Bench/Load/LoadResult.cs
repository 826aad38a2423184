namespace Penstock.Bench.Load;

/// <summary>Latencies in microseconds, from the moment a request was meant to be sent.</summary>
internal sealed record Latency(double P50, double P99, double Max)
{
    /// <summary>Exact percentiles (nearest rank) of samples in nanoseconds; sorts them in place.</summary>
    public static Latency Of(List<long> samples)
    {
        if (samples.Count == 0)
            return new Latency(0, 0, 0);
        samples.Sort();
        return new Latency(At(0.50), At(0.99), At(1));
        double At(double rank) => samples[Math.Max((int)Math.Ceiling(samples.Count * rank) - 1, 0)] / 1000.0;
    }
}

/// <summary>What one run of the load client saw. Any failed answer makes the whole run worthless.</summary>
internal sealed record LoadResult
{
    public required long Requests { get; init; }

    public required long Events { get; init; }

    /// <summary>Answers that were not 200, not complete, or not the expected bytes.</summary>
    public required long Failed { get; init; }

    /// <summary>What was wrong with the first of them.</summary>
    public required string? FirstFailure { get; init; }

    /// <summary>From the first request to the last answer.</summary>
    public required double Seconds { get; init; }

    /// <summary>CPU the load client itself used, start-up included.</summary>
    public required double ClientCpuSeconds { get; init; }

    public required Latency FirstByte { get; init; }

    public required Latency Total { get; init; }
}
