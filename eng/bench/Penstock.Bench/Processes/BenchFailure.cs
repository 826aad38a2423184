namespace Penstock.Bench.Processes;

/// <summary>The run cannot give a figure that means anything; ends it with exit code 1.</summary>
internal sealed class BenchFailure(string message) : Exception(message);
