using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Recording;
using Penstock.Core.Routing;
using Penstock.Gateway.Recording;

namespace Penstock.Gateway.Tests.Recording;

/// <summary>The logs on disk: their sizes, and what a disk that fails costs.</summary>
public sealed class DecisionFilesTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task A_row_of_logs_is_written_and_each_of_them_replays()
    {
        await using var logs = new LogsOfPools();
        var pool = new RecordedRouter(logs.Files);
        for (var i = 0; i < 40; i++)
        {
            pool.Serve(250);
            await logs.WhenIdleAsync();
            Assert.InRange(logs.Bytes, 1, LogsOfPools.BytesMax);
        }

        pool.Writer.End();
        Assert.Equal(0, logs.Files.Gaps);
        await logs.RestartAsync();
        var replayed = logs.Replay();
        Assert.InRange(replayed.Length, 2, 16);
        Assert.All(replayed, r => Assert.Null(r.Difference));
        Assert.All(replayed, r => Assert.Equal((false, false), (r.IsTorn, r.IsDamaged)));
        Assert.Equal(pool.Decisions, replayed.Sum(r => r.Decisions));
        Assert.Equal([false, .. replayed.Skip(1).Select(_ => true)], replayed.Select(r => r.Header.HasCheckpoint));
    }

    [Fact]
    public async Task All_logs_stay_within_the_size_and_a_busy_pool_pushes_out_its_own()
    {
        await using var logs = new LogsOfPools();
        var (quiet, busy) = (logs.Files.Open("quiet"), logs.Files.Open("busy"));
        await logs.WriteAsync(quiet, MiB);
        await logs.WriteAsync(quiet, MiB);
        for (var i = 0; i < 60; i++)
        {
            logs.Clock.Advance(TimeSpan.FromMinutes(1));
            await logs.WriteAsync(busy, MiB);
            Assert.InRange(logs.Bytes, MiB, LogsOfPools.BytesMax);
        }

        Assert.Equal(2, logs.Names.Count(n => n.StartsWith("quiet-", StringComparison.Ordinal)));
        var kept = logs.Names.Where(n => n.StartsWith("busy-", StringComparison.Ordinal)).ToArray();
        Assert.InRange(kept.Length, 8, 13);

        // The newest of them, the last one written among them.
        Assert.EndsWith("-0062.plog", kept[^1]);
        Assert.Equal(kept.Length - 1, NumberOf(kept[^1]) - NumberOf(kept[0]));
        Assert.Equal(0, logs.Files.Failures);
    }

    /// <summary>None of them is complete, so that none can be deleted.</summary>
    [Fact]
    public async Task Logs_that_are_all_being_written_stay_within_the_size_too()
    {
        await using var logs = new LogsOfPools();
        var pools = Enumerable.Range(0, 40).Select(i => logs.Files.Open($"p{i}")).ToArray();
        Assert.All(pools, p => Assert.InRange(p.LogBytesMax, 1, LogsOfPools.BytesMax / 40));
        Assert.All(pools, p => p.Begin(LogsOfPools.Header, null));
        for (var i = 0; i < 12; i++)
        {
            Assert.All(pools, p => p.Append(new byte[64 * 1024]));
            await logs.WhenIdleAsync();
            Assert.InRange(logs.Bytes, MiB, LogsOfPools.BytesMax);
        }

        Assert.Contains(pools, p => !p.CanTake(0));
        Assert.Single(logs.Told.News, n => n.Contains("leave no room", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_state_that_leaves_a_log_no_room_is_not_taken_and_said_once()
    {
        await using var logs = new LogsOfPools();
        var pool = logs.Files.Open("large");
        var most = pool.LogBytesMax / 2;
        Assert.True(pool.CanBegin(most));
        Assert.False(pool.CanBegin(most + 1));
        Assert.False(pool.CanBegin(most + 2));
        await Cluster.Until.TrueAsync(() => logs.Told.News.Count > 0);
        Assert.Contains("pool large is not recorded any more", Assert.Single(logs.Told.News));

        // With more pools each has less.
        logs.Files.Open("another");
        Assert.False(pool.CanBegin(most));
    }

    /// <summary>All that comes after in that log is lost, so its pool must begin another.</summary>
    [Fact]
    public async Task A_disk_that_is_full_ends_the_log_and_is_tried_again_later()
    {
        await using var logs = new LogsOfPools();
        var pool = logs.Files.Open("main");
        await logs.WriteAsync(pool, 1000);
        Assert.True(pool.CanTake(1000));
        logs.Free = 500;
        var before = logs.Files.Written;
        pool.Append(new byte[1000]);
        pool.Append(new byte[1000]);
        await logs.WhenIdleAsync();
        Assert.False(pool.CanTake(0));
        Assert.False(pool.CanBegin(0));
        Assert.Equal(1, logs.Files.Failures);
        Assert.Equal(before, logs.Files.Written);
        Assert.Contains("cannot be written", Assert.Single(logs.Told.News));

        // A log without any records is of no use, and is not left behind.
        logs.Clock.Advance(PoolLogs.PatienceMin);
        Assert.True(pool.CanBegin(0));
        pool.Begin(LogsOfPools.Header, LogsOfPools.State(5000));
        await logs.WhenIdleAsync();
        Assert.Equal(2, logs.Files.Failures);
        var kept = Assert.Single(logs.Names);
        Assert.Single(logs.Told.News);

        // Ever later.
        logs.Clock.Advance(PoolLogs.PatienceMin);
        Assert.False(pool.CanBegin(0));
        logs.Clock.Advance(PoolLogs.PatienceMin);
        Assert.True(pool.CanBegin(0));
        logs.Free = long.MaxValue;
        await logs.WriteAsync(pool, 1000);
        Assert.True(pool.CanTake(0));
        Assert.Equal(2, logs.Names.Length);
        Assert.Contains(kept, logs.Names);
        Assert.Contains("written again", logs.Told.News.Last());
    }

    [Fact]
    public async Task A_pool_that_alone_cannot_be_written_says_nothing_of_the_others()
    {
        await using var logs = new LogsOfPools { Uncreatable = "bad-" };
        var (bad, good) = (logs.Files.Open("bad"), logs.Files.Open("good"));
        for (var i = 0; i < 5; i++)
        {
            logs.Clock.Advance(PoolLogs.PatienceMax);
            await logs.WriteAsync(bad, 1000);
            await logs.WriteAsync(good, 1000);
        }

        Assert.Equal(5, logs.Files.Failures);
        Assert.Contains("decision log of pool bad in", Assert.Single(logs.Told.News));
        logs.Uncreatable = "/none/";
        await logs.WriteAsync(bad, 1000);
        Assert.Contains("decision log of pool bad in", logs.Told.News.Skip(1).Single());
    }

    /// <summary>Names of 256 characters are allowed.</summary>
    [Fact]
    public async Task A_pool_of_the_longest_name_is_recorded()
    {
        await using var logs = new LogsOfPools();
        await logs.WriteAsync(logs.Files.Open(new string('p', 256)), 1000);
        Assert.Equal(0, logs.Files.Failures);
        Assert.InRange(Assert.Single(logs.Names).Length, 200, 255);
    }

    [Fact]
    public async Task What_is_counted_as_a_failure_was_told_before()
    {
        await using var logs = new LogsOfPools { Free = 0 };
        var counted = -1L;
        logs.Told.Heard = _ => counted = logs.Files.Failures;
        await logs.WriteAsync(logs.Files.Open("main"), 1000);
        Assert.Equal((0, 1), (counted, logs.Files.Failures));
    }

    [Fact]
    public async Task A_pool_whose_disk_was_full_goes_on_in_a_log_that_replays()
    {
        await using var logs = new LogsOfPools();
        var pool = new RecordedRouter(logs.Files);
        pool.Serve(20);
        await logs.WhenIdleAsync();
        logs.Free = 0;
        pool.Serve(20);
        await logs.WhenIdleAsync();
        pool.Serve(20);
        Assert.Equal((1L, true), (logs.Files.Gaps, pool.Writer.IsBroken));
        logs.Free = long.MaxValue;
        pool.Serve(20);
        Assert.True(pool.Writer.IsBroken);
        logs.Clock.Advance(PoolLogs.PatienceMin);
        pool.Serve(20);
        Assert.Equal((1L, false), (logs.Files.Gaps, pool.Writer.IsBroken));
        pool.Writer.End();
        await logs.RestartAsync();
        var replayed = logs.Replay();

        // A log begins at an event, so that the first decision of those after the gap is in none.
        Assert.Equal([20L, 19L], replayed.Select(r => r.Decisions));
        Assert.All(replayed, r => Assert.Null(r.Difference));
        Assert.All(replayed, r => Assert.False(r.IsDamaged));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_costs_records_and_nothing_else()
    {
        await using var logs = new LogsOfPools();
        await File.WriteAllTextAsync(logs.Folder, "not a folder", TestContext.Current.CancellationToken);
        var pool = new RecordedRouter(logs.Files);
        pool.Serve(10);
        await logs.WhenIdleAsync();
        pool.Serve(10);
        Assert.Equal((1L, true), (logs.Files.Gaps, pool.Writer.IsBroken));
        Assert.Equal((1L, 0L), (logs.Files.Failures, logs.Files.Written));
        Assert.Contains("cannot be written", Assert.Single(logs.Told.News));
        File.Delete(logs.Folder);
        logs.Clock.Advance(PoolLogs.PatienceMin);
        pool.Serve(10);
        pool.Writer.End();
        await logs.RestartAsync();
        Assert.Equal(9, Assert.Single(logs.Replay()).Decisions);
    }

    [Fact]
    public async Task A_log_that_was_given_up_stays_counted_when_its_pool_is_gone()
    {
        await using var logs = new LogsOfPools();
        var (one, other) = (logs.Files.Open("one"), logs.Files.Open("other"));
        one.GiveUp();
        other.GiveUp();
        one.End();
        Assert.Equal(2, logs.Files.Gaps);
    }

    [Fact]
    public async Task A_log_that_cannot_be_deleted_keeps_no_other_from_being_written()
    {
        await using var logs = new LogsOfPools { Undeletable = "-0001.plog" };
        var pool = logs.Files.Open("main");
        for (var i = 0; i < 40; i++)
        {
            logs.Clock.Advance(TimeSpan.FromMinutes(1));
            await logs.WriteAsync(pool, MiB);
            Assert.InRange(logs.Bytes, MiB, LogsOfPools.BytesMax);
        }

        Assert.EndsWith("-0001.plog", logs.Names[0]);
        Assert.EndsWith("-0040.plog", logs.Names[^1]);
        Assert.InRange(NumberOf(logs.Names[1]), 20, 39);
        Assert.Equal(0, logs.Files.Failures);
    }

    /// <summary>The clock stands still, so that both processes would call their logs alike.</summary>
    [Fact]
    public async Task After_a_restart_what_is_there_counts_and_pools_that_are_gone_lose_theirs_first()
    {
        await using var logs = new LogsOfPools();
        foreach (var name in new[] { "stays", "gone" })
        {
            var pool = logs.Files.Open(name);
            for (var i = 0; i < 6; i++)
            {
                await logs.WriteAsync(pool, MiB);
            }
        }

        await logs.RestartAsync();
        var before = logs.Names;
        Assert.Equal(12, before.Length);
        var again = logs.Files.Open("stays");
        await logs.WriteAsync(again, MiB);
        Assert.Equal(13, logs.Names.Length);
        for (var i = 0; i < 4; i++)
        {
            await logs.WriteAsync(again, MiB);
            Assert.InRange(logs.Bytes, MiB, LogsOfPools.BytesMax);
        }

        Assert.All(
            before.Where(n => n.StartsWith("stays-", StringComparison.Ordinal)), n => Assert.Contains(n, logs.Names));
        Assert.InRange(logs.Names.Count(n => n.StartsWith("gone-", StringComparison.Ordinal)), 1, 5);
        Assert.Equal(0, logs.Files.Failures);
    }

    [Fact]
    public async Task What_waits_for_a_disk_that_hangs_is_bounded()
    {
        await using var logs = new LogsOfPools { Room = 4 * DecisionFiles.QueuedBytesMax };
        var hangs = new TaskCompletionSource();
        logs.Ready = hangs.Task;
        var pool = logs.Files.Open("main");
        pool.Begin(LogsOfPools.Header, null);
        long waiting = 0;
        for (; pool.CanTake(1 << 16) && waiting < 2 * DecisionFiles.QueuedBytesMax; waiting += 1 << 16)
        {
            pool.Append(new byte[1 << 16]);
        }

        Assert.InRange(waiting, DecisionFiles.QueuedBytesMax - (1 << 17), DecisionFiles.QueuedBytesMax);
        Assert.False(pool.CanBegin(1 << 17));
        hangs.SetResult();
        await logs.WhenIdleAsync();
        Assert.True(pool.CanTake(1 << 16) && pool.CanBegin(1 << 17));
        Assert.InRange(logs.Bytes, waiting, waiting + (waiting >> 8));
    }

    private static int NumberOf(string name) => int.Parse(name[^9..^5], null);

    /// <summary>A router of two replicas whose decisions are recorded.</summary>
    private sealed class RecordedRouter
    {
        private readonly PoolRouter _router;
        private double _now;
        private ulong _prompts;

        public RecordedRouter(DecisionFiles files)
        {
            var options = new PoolOptions(2, 512);
            _router = new PoolRouter(new PoolState(options), RoutePolicies.Create("penstock")!, 7);
            var header = new PoolLogHeader
            {
                Pool = "main",
                Policy = "penstock",
                Seed = 7,
                Options = options,
                Replicas = ["a", "b"],
                Program = BuildName.Text,
                StartedTicks = 0,
                StartedAt = default,
            };
            Writer = new PoolLogWriter(
                _router, header, files.Open("main"), () => new LogTime(files.NowTicks(), Instant.FromSeconds(_now)));
            _router.Recorder = Writer;
            _router.Tell(PoolEvent.Eligibility(Instant.FromSeconds(0), 0, Ineligible.No));
            _router.Tell(PoolEvent.Eligibility(Instant.FromSeconds(0), 1, Ineligible.No));
        }

        public PoolLogWriter Writer { get; }

        public long Decisions { get; private set; }

        /// <summary>Requests of 50 blocks, half of them new, one after the other; what is recorded is handed over.
        /// </summary>
        public void Serve(int requests)
        {
            for (var i = 0; i < requests; i++)
            {
                var rng = new Rng(_prompts / 2);
                ulong[] blocks = [.. Enumerable.Range(0, 50).Select(b => rng.NextUInt64() + (b < 25 ? 0 : _prompts))];
                _prompts++;
                var prompt = new PromptPrefix { Blocks = blocks, Length = blocks.Length * 256 };
                var request = new RouteRequest { At = Instant.FromSeconds(_now += 0.01), Prompt = prompt };
                Assert.True(_router.Route(in request, out var ticket).Found);
                Decisions++;
                _router.Tell(PoolEvent.FirstToken(Instant.FromSeconds(_now), ticket));
                _router.Tell(
                    PoolEvent.Ended(Instant.FromSeconds(_now), ticket, RouteEnd.Completed, 3_200, 1_600, 20),
                    in prompt);
            }

            Writer.Flush();
        }
    }
}
