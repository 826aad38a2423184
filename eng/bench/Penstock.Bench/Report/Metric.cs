namespace Penstock.Bench.Report;

/// <summary>
/// One row of the table; <see cref="Figures.Row"/> makes them. Definitions: the README beside the run script.
/// </summary>
internal sealed record Metric(string Id, string Name, string Unit)
{
    /// <summary>Whether the ratio to YARP's figure says anything.</summary>
    public bool Compared { get; init; } = true;
}
