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
/// <param name="Failed">Answers that were not 200, not complete, or not the expected bytes.</param>
/// <param name="FirstFailure">What was wrong with the first of them.</param>
/// <param name="Seconds">From the first request to the last answer.</param>
/// <param name="ClientCpuSeconds">CPU the load client itself used, start-up included.</param>
internal sealed record LoadResult(
    long Requests,
    long Events,
    long Failed,
    string? FirstFailure,
    double Seconds,
    double ClientCpuSeconds,
    Latency FirstByte,
    Latency Total);
