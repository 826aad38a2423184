namespace Penstock.Bench.Report;

/// <summary>One row of the table. Definitions are in the README beside the run script.</summary>
internal sealed record Metric(string Id, string Name, string Unit)
{
    /// <summary>Whether the ratio to YARP's figure says anything.</summary>
    public bool Compared { get; init; } = true;
}
