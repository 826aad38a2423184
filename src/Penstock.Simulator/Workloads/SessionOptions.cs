namespace Penstock.Simulator.Workloads;

/// <summary>How recorded sessions are played.</summary>
public sealed record SessionOptions
{
    /// <summary>Sessions at a time; where one ends, the next one of the shuffled trace begins.</summary>
    public int Concurrent { get; init; } = 120;

    /// <summary>Longer pauses are cut to this.</summary>
    public double ThinkSecondsMax { get; init; } = 120;

    /// <summary>A session ends before the first prompt that is longer, as if its context were full.</summary>
    public int PromptTokensMax { get; init; } = 128_000;

    /// <summary>Seconds over which the sessions start.</summary>
    public double StartSeconds { get; init; } = 120;

    /// <summary>Share of the sessions whose answers are not streamed.</summary>
    public double WholeShare { get; init; }

    /// <summary>Clients name their sessions.</summary>
    public bool NamesSessions { get; init; } = true;
}
