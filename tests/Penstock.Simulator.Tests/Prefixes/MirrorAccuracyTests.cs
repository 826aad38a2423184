using System.Globalization;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Prefixes;

/// <summary>How well the mirror of a cache agrees with the cache, of engines that lose most of what they compute.
/// </summary>
public class MirrorAccuracyTests
{
    private static readonly EngineProfile Profile = new()
    {
        Name = "small",
        Accelerator = "invented",
        Model = "invented",
        Engine = "vllm",
        Source = "invented",
        Step = new() { D0 = 8, D1 = 0.05, D2 = 0, P1 = 0.02, KneeTokens = 0 },
        KvBlocks = 6_000,
        ModelLengthMax = 60_000,
    };

    [Fact]
    public void Predicts_what_the_engine_finds_where_the_work_is_three_times_the_cache()
    {
        using var fleet = new MirroredFleet(Profile, new Workload(230, 8, 60), 4, 1);
        fleet.Run(1_500);
        fleet.Run(3_000);
        AssertAgrees(fleet, 0.05);
    }

    private static void AssertAgrees(MirroredFleet fleet, double within)
    {
        var compared = fleet.Compared;
        var predicted = compared.Sum(c => c.Predicted);
        var cached = compared.Sum(c => c.Cached);
        var near = compared.Count(c => Math.Abs(c.Predicted - c.Cached) <= Profile.BlockSize) / (double)compared.Count;
        var prompts = compared.Sum(c => (long)c.Prompt);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"predicted {predicted}, cached {cached}, {(predicted / (double)cached) - 1:P2}; near {near:P1}; "
            + $"hits {cached / (double)prompts:P1} of {compared.Count}, mean prompt {prompts / compared.Count}"));
        Assert.InRange(Math.Abs(predicted - cached), 0, within * cached);
        Assert.InRange(near, 0.95, 1);
    }
}
