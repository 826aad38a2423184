using System.CommandLine;
using Penstock.Simulator.Faults;

namespace Penstock.Cli.Engine;

/// <summary>The options of <c>penstock engine</c> that say how it misbehaves from the start.</summary>
internal static class FaultOptions
{
    private static readonly Option<double> LatencyFactor = new("--latency-factor")
    {
        Description = "Make every step take this many times as long.",
        DefaultValueFactory = static _ => 1,
    };

    private static readonly Option<double> ErrorRate = new("--error-rate")
    {
        Description = "Share of requests answered with status 500.",
    };

    private static readonly Option<double> StallRate = new("--stall-rate")
    {
        Description = "Share of requests that fall silent once.",
    };

    private static readonly Option<double> Stall = new("--stall")
    {
        Description = "Seconds of that silence.",
        DefaultValueFactory = static _ => 30,
    };

    private static readonly Option<double> DieRate = new("--die-rate")
    {
        Description = "Share of requests whose connection is cut on the way.",
    };

    private static readonly Option<int?> DieAfterTokens = new("--die-after-tokens")
    {
        Description = "Cut after that many tokens; without --die-rate every request.",
    };

    private static readonly Option<double> EventLossRate = new("--event-loss-rate")
    {
        Description = "Share of cache event batches that are published and never arrive.",
    };

    private static readonly Option<double> EventReorderRate = new("--event-reorder-rate")
    {
        Description = "Share of cache event batches that the next one overtakes.",
    };

    private static readonly Option<double> EventDelay = new("--event-delay")
    {
        Description = "Seconds by which cache events are late.",
    };

    public static IReadOnlyList<Option> All { get; } =
    [
        LatencyFactor, ErrorRate, StallRate, Stall, DieRate, DieAfterTokens, EventLossRate, EventReorderRate,
        EventDelay,
    ];

    /// <summary>Reads them; what is wrong with them goes to <paramref name="errors"/>.</summary>
    public static EngineFaults Read(ParseResult parsed, List<string> errors)
    {
        var faults = new EngineFaults
        {
            LatencyFactor = parsed.GetValue(LatencyFactor),
            ErrorRate = parsed.GetValue(ErrorRate),
            StallRate = parsed.GetValue(StallRate),
            StallSeconds = parsed.GetValue(Stall),
            DieRate = parsed.GetValue(DieRate),
            DieAfterTokens = parsed.GetValue(DieAfterTokens),
            EventLossRate = parsed.GetValue(EventLossRate),
            EventReorderRate = parsed.GetValue(EventReorderRate),
            EventDelaySeconds = parsed.GetValue(EventDelay),
        };
        errors.AddRange(faults.Errors().Select(OptionNamed));
        return faults;
    }

    /// <summary>A fault's error begins with its name in JSON; here it is an option that was wrong.</summary>
    private static string OptionNamed(string problem)
    {
        var name = problem[..problem.IndexOf(' ', StringComparison.Ordinal)];
        var option = name switch
        {
            "stall_seconds" => Stall.Name,
            "event_delay_seconds" => EventDelay.Name,
            _ => $"--{name.Replace('_', '-')}",
        };
        return option + problem[name.Length..];
    }
}
