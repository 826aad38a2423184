using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Tests.Replicas;

/// <summary>Random workloads on replicas that are too small for them.</summary>
public sealed class EnginePropertyTests
{
    private const int Requests = 60;

    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    [InlineData(CacheKind.Slots)]
    public void Whatever_arrives_every_request_ends_once_and_no_memory_is_lost(CacheKind cache) =>
        Prop.ForAll(Seeds(), seed =>
        {
            var rng = new Rng((ulong)seed);
            var rig = new EngineRig(RandomProfile(ref rng, cache), (ulong)seed);
            var cancelled = RunWorkload(rig, ref rng, cancels: true);

            var counters = rig.Model.Counters;
            Assert.Equal(counters.Submitted, counters.Finished + counters.Cancelled);
            Assert.Equal(cancelled.Count, counters.Cancelled);
            Assert.Equal(0, counters.KvBlocksUsed);
            Assert.Equal(0, counters.Running + counters.Waiting);
            foreach (var request in rig.Events.GroupBy(e => e.RequestId))
            {
                AssertStory(request.ToList(), cancelled.Contains(request.Key));
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    [InlineData(CacheKind.Slots)]
    public void The_same_seed_gives_the_same_events(CacheKind cache) =>
        Prop.ForAll(Seeds(), seed =>
        {
            var runs = new List<List<EngineEvent>>();
            for (var run = 0; run < 2; run++)
            {
                var rng = new Rng((ulong)seed);
                var profile = RandomProfile(ref rng, cache);
                profile = profile with { Step = profile.Step with { Jitter = 0.2 } };
                var rig = new EngineRig(profile, (ulong)seed);
                RunWorkload(rig, ref rng, cancels: true);
                runs.Add(rig.Events);
            }

            Assert.Equal(runs[0], runs[1]);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(CacheKind.Paged)]
    [InlineData(CacheKind.Radix)]
    public void Small_memory_forces_preemption_and_eviction_somewhere(CacheKind cache)
    {
        // The property above proves nothing about preemption unless it happens.
        long preemptions = 0;
        long hits = 0;
        long removals = 0;
        for (ulong seed = 0; seed < 50; seed++)
        {
            var rng = new Rng(seed);
            var rig = new EngineRig(RandomProfile(ref rng, cache), seed);
            RunWorkload(rig, ref rng, cancels: false);
            preemptions += rig.Model.Counters.Preemptions;
            hits += rig.Model.Counters.PrefixHits;
            removals += rig.CacheEvents.Count(told => told.Kind == CacheEventKind.Removed);
        }

        Assert.True(preemptions > 100, $"{preemptions} preemptions");
        Assert.True(hits > 1000, $"{hits} hits");
        Assert.True(removals > 1000, $"{removals} removals");
    }

    private static Arbitrary<int> Seeds() => Gen.Choose(0, int.MaxValue).ToArbitrary();

    private static EngineProfile RandomProfile(ref Rng rng, CacheKind cache)
    {
        var profile = EngineRig.Profile(
            kvBlocks: 16 + rng.NextInt32(32),
            blockSize: 1 + rng.NextInt32(8),
            budget: 1 + rng.NextInt32(64),
            sequences: 1 + rng.NextInt32(cache == CacheKind.Slots ? 4 : 12),
            cache: cache);
        return cache == CacheKind.Slots && rng.NextInt32(2) == 0
            ? profile with { HostCacheTokens = 1 + rng.NextInt32(256) }
            : profile;
    }

    private static HashSet<long> RunWorkload(EngineRig rig, ref Rng rng, bool cancels)
    {
        var window = rig.Model.Profile.ModelLengthMax;
        var cancelled = new HashSet<long>();
        for (var id = 1; id <= Requests; id++)
        {
            rig.AdvanceTo(new Instant(rig.Now.Nanoseconds + rng.NextInt32(40_000_000)));
            var prompt = 1 + rng.NextInt32(window - 1);
            var output = 1 + rng.NextInt32(window - prompt);
            var verdict = rig.Submit(id, prompt, output, EngineRig.Chain(rng.NextInt32(4), 64));
            Assert.Equal(SubmitVerdict.Accepted, verdict);
            AssertWithinMemory(rig);
            var victim = 1 + rng.NextInt32(id);
            if (cancels && rng.NextInt32(4) == 0 && rig.Model.Cancel(victim, rig.Now))
            {
                cancelled.Add(victim);
            }
        }

        while (rig.Model.NextStepEnd is not null)
        {
            rig.Step();
            AssertWithinMemory(rig);
        }

        return cancelled;
    }

    private static void AssertWithinMemory(EngineRig rig)
    {
        var counters = rig.Model.Counters;
        Assert.InRange(counters.KvBlocksUsed, 0, counters.KvBlocks);
        Assert.InRange(counters.Running, 0, rig.Model.Profile.SequencesMax);
    }

    /// <summary>Scheduled, then its tokens one by one, then the end; a cancelled one stops anywhere.</summary>
    private static void AssertStory(List<EngineEvent> story, bool cancelled)
    {
        Assert.Equal(EngineEventKind.Scheduled, story[0].Kind);
        Assert.Single(story, e => e.Kind == EngineEventKind.Scheduled);
        var tokens = story.Where(e => e.Kind is EngineEventKind.FirstToken or EngineEventKind.Token).ToList();
        Assert.Equal(Enumerable.Range(1, tokens.Count), tokens.Select(e => e.Tokens));
        Assert.True(tokens.Count == 0 || tokens[0].Kind == EngineEventKind.FirstToken);
        Assert.Equal(cancelled ? 0 : 1, story.Count(e => e.Kind == EngineEventKind.Finished));
        Assert.True(cancelled || story[^1].Kind == EngineEventKind.Finished);
        Assert.Equal(story.OrderBy(e => e.At).Select(e => e.At), story.Select(e => e.At));
    }
}
