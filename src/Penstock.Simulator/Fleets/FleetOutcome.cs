using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Fleets;

/// <summary>What came of one run.</summary>
public sealed record FleetOutcome
{
    /// <summary>All requests, in the order in which they were sent.</summary>
    public required IReadOnlyList<FleetResult> Requests { get; init; }

    /// <summary>Those among them that were sent after the warm-up.</summary>
    public required IReadOnlyList<FleetResult> Measured { get; init; }

    /// <summary>The engines at the end.</summary>
    public required IReadOnlyList<EngineCounters> Engines { get; init; }

    /// <summary>What the gateways know at the end.</summary>
    public required IReadOnlyList<PoolState> Pools { get; init; }

    /// <summary>When all had ended, and every gateway had had the time to hear so.</summary>
    public required Instant EndedAt { get; init; }

    /// <summary>Seconds to the first token, of completed requests.</summary>
    public Spread FirstToken => Spread.Of(Measured.Where(r => r.IsCompleted).Select(r => r.FirstToken));

    /// <summary>Seconds a token after the first, of completed answers of two tokens and more.</summary>
    public Spread PerToken =>
        Spread.Of(Measured.Where(r => r.IsCompleted && r.OutputTokens > 1).Select(r => r.PerToken));

    /// <summary>Seconds to the last token, of completed requests.</summary>
    public Spread Duration => Spread.Of(Measured.Where(r => r.IsCompleted).Select(r => r.Duration));

    /// <summary>Share of the requests whose first token came within so many seconds.</summary>
    public double Within(double seconds) =>
        Measured.Count(r => r.IsCompleted && r.FirstToken <= seconds) / (double)Math.Max(1, Measured.Count);

    public int Errors => Measured.Count(r => !r.IsCompleted);

    /// <summary>Share of the prompt tokens that was cached.</summary>
    public double HitRate => Share(r => r.CachedTokens, r => r.PromptTokens);

    /// <summary>Predicted cached tokens per cached token.</summary>
    public double PredictedPerCached => Share(r => r.PredictedTokens, r => r.CachedTokens);

    /// <summary>Share of the requests whose prediction was off by a block at most.</summary>
    public double WithinABlock => Measured.Count == 0 ? 0 : Measured.Count(
        r => Math.Abs(r.PredictedTokens - r.CachedTokens) <= Workloads.FleetRequest.BlockTokens)
        / (double)Measured.Count;

    /// <summary>The share of requests that each replica got.</summary>
    public IReadOnlyList<double> Shares =>
        [.. Engines.Select((_, i) => Measured.Count(r => r.Replica == i) / (double)Math.Max(1, Measured.Count))];

    private double Share(Func<FleetResult, long> of, Func<FleetResult, long> all) =>
        Measured.Sum(of) / (double)Math.Max(1, Measured.Sum(all));
}

/// <summary>What came of one request. Times in seconds.</summary>
public readonly record struct FleetResult
{
    /// <summary>−1 where none was found.</summary>
    public required int Replica { get; init; }

    public required double SentAt { get; init; }

    public required int PromptTokens { get; init; }

    public required int OutputTokens { get; init; }

    /// <summary>Prompt tokens that the gateway believed to be cached there.</summary>
    public required long PredictedTokens { get; init; }

    /// <summary>Prompt tokens that were.</summary>
    public required int CachedTokens { get; init; }

    public required bool IsCompleted { get; init; }

    public required double FirstToken { get; init; }

    public required double Duration { get; init; }

    public double PerToken => (Duration - FirstToken) / (OutputTokens - 1);
}

/// <summary>How a quantity is spread; all 0 where there is nothing.</summary>
public readonly record struct Spread(double Mean, double P50, double P90, double P99)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0
            ? default
            : new Spread(sorted.Average(), At(sorted, 50), At(sorted, 90), At(sorted, 99));
    }

    private static double At(double[] sorted, int percent) => sorted[(sorted.Length - 1) * percent / 100];
}
