using System.Text.Json;
using Penstock.Bench.Processes;

namespace Penstock.LiveBench.Report;

/// <summary>Results of one invocation, or of several put together.</summary>
internal sealed record ResultFile
{
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    public required LiveSettings Settings { get; init; }

    public required string Machine { get; init; }

    public required List<string> Commands { get; init; }

    /// <summary>The policy that others are compared with.</summary>
    public required string Reference { get; init; }

    public required List<RunResult> Runs { get; init; }

    /// <exception cref="BenchFailure">Their settings differ, or one run is in two of them.</exception>
    public static ResultFile Merge(IReadOnlyList<string> files)
    {
        var all = files.Select(Read).ToList();
        var merged = all[0] with
        {
            Commands = [.. all.SelectMany(one => one.Commands).Distinct()],
            Machine = string.Join("; ", all.Select(one => one.Machine).Distinct()),
            Runs = [.. all.SelectMany(one => one.Runs)],
        };
        if (all.Find(one => one.Settings != merged.Settings) is { } other)
        {
            throw new BenchFailure($"settings differ: {merged.Settings} and {other.Settings}");
        }

        var twice = merged.Runs.GroupBy(run => (run.Policy, run.Seed)).FirstOrDefault(runs => runs.Count() > 1);
        return twice is null
            ? merged : throw new BenchFailure($"{twice.Key.Policy}, seed {twice.Key.Seed} is in two of the files");
    }

    public void WriteTo(string file) => File.WriteAllText(file, JsonSerializer.Serialize(this, Json));

    private static ResultFile Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<ResultFile>(File.ReadAllText(file), Json)!;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw new BenchFailure($"{file}: {e.Message}");
        }
    }
}
