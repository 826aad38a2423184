using System.Globalization;
using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Prefixes;

/// <summary>How well the mirror of a cache agrees with the cache, of engines that lose most of what they compute.
/// </summary>
public class MirrorAccuracyTests
{
    internal static readonly EngineProfile Profile = new()
    {
        Name = "small",
        Accelerator = "invented",
        Model = "invented",
        Engine = "vllm",
        Source = "invented",
        Step = new() { D0 = 8, D1 = 0.05, D2 = 0, P1 = 0.12, KneeTokens = 0 },
        KvBlocks = 6_000,
        ModelLengthMax = 60_000,
    };

    private static readonly EngineProfile Slots = Profile with
    {
        Engine = "llama.cpp",
        Cache = CacheKind.Slots,
        BlockSize = 1,
        SequencesMax = 8,
        KvBlocks = 8 * Profile.ModelLengthMax,
    };

    [Fact]
    public void Predicts_what_the_engine_finds_where_the_work_is_three_times_the_cache()
    {
        using var fleet = new MirroredFleet(Profile, new Workload(230, 8, 120), 4, 1);
        fleet.Run(1_500);
        fleet.Run(3_000);
        AssertAgrees(fleet, 0.05);
    }

    /// <summary>SGLang: tokens one by one, and leaves of a tree that are lost whole.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public void Predicts_what_a_tree_finds_where_the_work_is_three_times_the_cache(int page)
    {
        var profile = Profile with
        {
            Engine = "sglang", Cache = CacheKind.Radix, BlockSize = page, KvBlocks = (int)(Profile.KvTokens / page),
        };
        using var fleet = new MirroredFleet(profile, new Workload(230, 8, 120), 4, 1);
        fleet.Run(1_500);
        fleet.Run(3_000);
        AssertAgrees(fleet, 0.05);
    }

    /// <summary>llama.cpp: a conversation a slot, and no memory beside them.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Predicts_what_slots_find_where_there_are_more_conversations_than_slots(ulong seed)
    {
        using var fleet = new MirroredFleet(Slots, new Workload(60, 8, 120), 4, seed);
        fleet.Run(1_500);
        fleet.Run(3_000);
        AssertAgrees(fleet, 0.05);
    }

    /// <summary>llama.cpp with <c>--cache-ram</c>, and more conversations than both hold.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Predicts_what_slots_and_the_memory_of_the_host_find(ulong seed)
    {
        var profile = Slots with { HostCacheTokens = 32_000 };
        using var fleet = new MirroredFleet(profile, new Workload(120, 8, 120), 4, seed);
        fleet.Run(1_500);
        fleet.Run(3_000);
        AssertAgrees(fleet, 0.05);
    }

    /// <summary>As llama-server is by default: whether it keeps anything, and how much, it does not say.</summary>
    [Theory]
    [InlineData(32_000)]
    [InlineData(0)]
    public void Learns_what_the_memory_of_the_host_keeps(int hostTokens)
    {
        var profile = Slots with { HostCacheTokens = hostTokens };
        using var fleet = new MirroredFleet(profile, new Workload(120, 8, 120) { TellsHost = false }, 4, 3);
        fleet.Run(3_000);
        Print(fleet, "while it was learning");
        fleet.Run(3_000);
        AssertAgrees(fleet, 0.05);
    }

    [Fact]
    public void Agrees_again_once_an_empty_mirror_has_seen_slots_at_work()
    {
        using var fleet = new MirroredFleet(Slots, new Workload(60, 8, 120), 4, 2);
        fleet.Run(1_500);
        fleet.RestartGateway();
        fleet.Run(1_000);
        Print(fleet, "while it was learning");
        fleet.Run(2_000);
        AssertAgrees(fleet, 0.05);
    }

    [Fact]
    public void Agrees_again_once_an_empty_mirror_has_seen_a_cache_full_of_requests()
    {
        using var fleet = new MirroredFleet(Profile, new Workload(230, 8, 120), 4, 2);
        fleet.Run(1_500);
        fleet.RestartGateway();
        fleet.Run(1_000);
        Print(fleet, "while it was learning");
        fleet.Run(2_000);
        AssertAgrees(fleet, 0.05);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Notices_a_restarted_engine_within_a_few_requests(ulong seed)
    {
        using var fleet = new MirroredFleet(Profile, new Workload(230, 8, 120), 4, seed);
        fleet.Run(2_000);
        Assert.All(fleet.State.Replicas.ToArray(), r => Assert.Equal(0, r.Trust.Restarts));
        fleet.RestartEngine(1);
        var answers = 0;
        while (fleet.State.Replicas[1].Trust.Restarts == 0 && answers < 100)
        {
            fleet.Run(1);
            answers += fleet.Compared.Count(c => c.Replica == 1);
        }

        fleet.Run(1_000);
        Print(fleet, $"noticed after {answers} answers; then");

        // Most of what comes are new conversations: they find the system prompt that the first of them brought back,
        // which says nothing of what was there before.
        Assert.InRange(answers, 1, 10);
        Assert.Equal([0, 1, 0, 0], fleet.State.Replicas.ToArray().Select(r => r.Trust.Restarts));
        fleet.Run(2_000);
        AssertAgrees(fleet, 0.05);
    }

    [Fact]
    public void Learns_a_capacity_that_nobody_told()
    {
        using var fleet = new MirroredFleet(Profile, new Workload(230, 8, 120) { TellsShape = false }, 4, 4);
        fleet.Run(5_000);
        fleet.Run(2_000);
        Print(fleet, string.Join(' ', Enumerable.Range(0, 4).Select(r => fleet.State.Index.CapacityOf(r)))
            + " tokens learned;");
        var (predicted, cached) = (fleet.Compared.Sum(c => c.Predicted), fleet.Compared.Sum(c => c.Cached));
        Assert.InRange(Math.Abs(predicted - cached), 0, 0.05 * cached);
    }

    internal static void AssertAgrees(MirroredFleet fleet, double within)
    {
        var share = Print(fleet, "");
        var (predicted, cached) = (fleet.Compared.Sum(c => c.Predicted), fleet.Compared.Sum(c => c.Cached));
        Assert.InRange(Math.Abs(predicted - cached), 0, within * cached);
        Assert.InRange(share, 0.95, 1);
    }

    /// <summary>Writes the figures down; returns the share of requests that were predicted within one block.</summary>
    internal static double Print(MirroredFleet fleet, string what)
    {
        var compared = fleet.Compared;
        var (predicted, cached) = (compared.Sum(c => c.Predicted), compared.Sum(c => c.Cached));
        var near = compared.Count(c => Math.Abs(c.Predicted - c.Cached) <= Profile.BlockSize) / (double)compared.Count;
        var prompts = compared.Sum(c => (long)c.Prompt);
        var byReplica = string.Join('/', compared.CountBy(c => c.Replica).OrderBy(c => c.Key).Select(c => c.Value));
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what} {compared.Count} requests of {prompts / compared.Count} tokens, "
            + $"{cached / (double)prompts:P1} cached; by replica {byReplica}; "
            + $"predicted {(predicted / (double)cached) - 1:+0.00%;-0.00%}, within a block {near:P1}"));
        return near;
    }
}
