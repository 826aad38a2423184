using Penstock.Core.Primitives;
using Penstock.Core.Recording;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Recording;

/// <summary>What was recorded comes out again, exactly, or it is said where it does not.</summary>
public class ReplayTests
{
    public static TheoryData<string> Policies => [.. RoutePolicies.Names];

    [Theory]
    [MemberData(nameof(Policies))]
    public void Every_decision_of_any_history_comes_out_the_same(string policy)
    {
        for (ulong seed = 1; seed <= 8; seed++)
        {
            var pool = new RecordedPool(policy, seed, new MemoryLogs());
            pool.Live(600);
            var result = PoolReplay.Run(Assert.Single(pool.Finish()));
            Assert.Null(result.Difference);
            Assert.Equal(pool.Decisions, result.Decisions);
            Assert.InRange(result.Decisions, 100, 600);
            Assert.False(result.IsTorn);
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Each_of_a_row_of_logs_can_be_replayed_without_those_before_it(string policy)
    {
        var pool = new RecordedPool(policy, 5, new MemoryLogs { LogBytesMax = 2_000_000 });
        pool.Live(20_000);
        var logs = pool.Finish();
        Assert.InRange(logs.Count, 2, 100);
        var results = logs.Select(log => PoolReplay.Run(log)).ToArray();
        Assert.All(results, r => Assert.Null(r.Difference));
        Assert.Equal(pool.Decisions, results.Sum(r => r.Decisions));
        Assert.Equal([false, .. results.Skip(1).Select(_ => true)], results.Select(r => r.Header.HasCheckpoint));
    }

    [Fact]
    public void The_objectives_of_requests_are_part_of_what_is_replayed()
    {
        var pool = new RecordedPool("penstock", 2, new MemoryLogs());
        pool.Live(4_000);
        var result = PoolReplay.Run(Assert.Single(pool.Finish()), RoutePolicies.Create("penstock"));
        Assert.InRange(pool.PassingOver, 10, 4_000);
        Assert.Null(result.Difference);
        Assert.Equal(0, result.Comparison!.Different);
    }

    [Theory]
    [InlineData("penstock", null)]
    [InlineData("penstock", "round-robin")]
    [InlineData("round-robin", "penstock")]
    public void A_pool_that_goes_on_with_other_replicas_or_another_policy_begins_another_log_that_is_exact(
        string policy, string? other)
    {
        var pool = new RecordedPool(policy, 5, new MemoryLogs());
        pool.Live(400);
        pool.Reload(other);
        pool.Live(400);
        var results = pool.Finish().Select(log => PoolReplay.Run(log)).ToArray();
        Assert.Equal([policy, other ?? policy], results.Select(r => r.Header.Policy));
        Assert.Equal(["a", "e"], results.Select(r => r.Header.Replicas[0]));
        Assert.All(results, r => Assert.Null(r.Difference));
        Assert.All(results, r => Assert.InRange(r.Decisions, 50, 400));
        Assert.Equal(pool.Decisions, results.Sum(r => r.Decisions));
    }

    [Fact]
    public void A_gap_in_the_record_ends_one_log_and_begins_another_that_is_exact()
    {
        var logs = new MemoryLogs();
        var pool = new RecordedPool("penstock", 3, logs);
        pool.Live(300);
        logs.Room = 0;
        pool.Live(3_000);
        pool.Writer.Flush();
        pool.Live(10);
        Assert.True(pool.Writer.IsBroken);
        Assert.Equal(1, logs.GivenUp);
        logs.Room = long.MaxValue;
        pool.Live(300);
        Assert.False(pool.Writer.IsBroken);
        var written = pool.Finish();
        Assert.Equal(2, written.Count);
        Assert.All(written, log => Assert.Null(PoolReplay.Run(log).Difference));
        Assert.Equal((1, 1), (logs.Ended, logs.GivenUp));
    }

    [Fact]
    public void A_log_that_was_torn_off_is_good_up_to_its_last_whole_chunk()
    {
        var pool = new RecordedPool("penstock", 3, new MemoryLogs());
        pool.Live(200);
        pool.Writer.Flush();
        pool.Live(200);
        var log = Assert.Single(pool.Finish());
        var whole = PoolReplay.Run(log);
        var torn = PoolReplay.Run(log.AsSpan(0, log.Length - 1));
        Assert.True(torn.IsTorn);
        Assert.Null(torn.Difference);
        Assert.InRange(torn.Decisions, 20, whole.Decisions - 20);
    }

    /// <summary>Wherever it is cut: in the header it is no log, anywhere else it is good up to there.</summary>
    [Fact]
    public void A_log_may_end_anywhere_but_in_its_header()
    {
        var log = RowOfLogs()[^1];
        var whole = PoolReplay.Run(log);
        var header = PayloadEnd(log, 0);
        for (var end = 0; end < log.Length; end += end < header + 100 ? 1 : 4_999)
        {
            if (end < header)
            {
                Assert.Throws<InvalidDataException>(() => PoolReplay.Run(log.AsSpan(0, end)));
                continue;
            }

            var torn = PoolReplay.Run(log.AsSpan(0, end));
            Assert.Null(torn.Difference);
            Assert.False(torn.IsDamaged);
            Assert.True(torn.Decisions < whole.Decisions);
            Assert.Equal(torn.IsTorn, torn.UnreadBytes > 0 || end <= header + (int)whole.Header.StateBytes);
        }
    }

    /// <summary>What the file system had set aside when the power failed.</summary>
    [Fact]
    public void An_end_of_zeros_was_not_written()
    {
        var log = RowOfLogs()[0];
        var result = PoolReplay.Run([.. log, .. new byte[1000]]);
        Assert.True(result.IsTorn);
        Assert.False(result.IsDamaged);
        Assert.Equal(1000, result.UnreadBytes);
        Assert.True(PoolReplay.Run([.. log, .. new byte[1000], 1]).IsDamaged);
    }

    [Fact]
    public void A_changed_byte_is_damage_wherever_it_is()
    {
        var pool = new RecordedPool("penstock", 3, new MemoryLogs());
        for (var i = 0; i < 10; i++)
        {
            pool.Live(30);
            pool.Writer.Flush();
        }

        var log = Assert.Single(pool.Finish());
        var whole = PoolReplay.Run(log).Decisions;
        var header = PayloadEnd(log, 0);
        var second = PayloadEnd(log, header);
        foreach (var at in Enumerable.Range(0, log.Length).Where(at => at < second || at % 97 == 0))
        {
            var changed = log.ToArray();
            changed[at] ^= 0x10;
            if (at < header)
            {
                Assert.Throws<InvalidDataException>(() => PoolReplay.Run(changed));
                continue;
            }

            var result = PoolReplay.Run(changed);
            Assert.True(result.IsDamaged);
            Assert.False(result.IsTorn);
            Assert.InRange(result.UnreadBytes, 1, log.Length - header);
            Assert.True(result.Decisions < whole);
        }
    }

    [Fact]
    public void A_changed_byte_of_the_state_is_damage()
    {
        var log = RowOfLogs()[^1];
        var at = PayloadEnd(log, 0) + LogChunk.HeadBytes + 1000;
        log[at] ^= 1;
        var result = PoolReplay.Run(log);
        Assert.True(result.IsDamaged);
        Assert.Equal(0, result.Decisions);
    }

    [Fact]
    public void A_state_is_read_by_the_build_that_wrote_it_alone()
    {
        var logs = RowOfLogs();
        var lies = logs.Select(log => WithHeader(log, PoolReplay.HeaderOf(log) with { Program = "another" })).ToArray();
        Assert.Null(PoolReplay.Run(lies[0]).Difference);
        var refused = Assert.Throws<InvalidDataException>(() => PoolReplay.Run(lies[^1]));
        Assert.Contains("only the build that wrote it can read", refused.Message);
        Assert.Contains("another", refused.Message);
        Assert.Contains(BuildName.Text, refused.Message);
    }

    /// <summary>Before format 4 a chunk had 12 bytes before its payload, and a header began with this mark.</summary>
    [Fact]
    public void A_log_of_an_older_format_is_said_to_be_one()
    {
        byte[] older = [.. new byte[12], .. "STCKLOG\0"u8, 3, .. new byte[100]];
        var refused = Assert.Throws<InvalidDataException>(() => PoolReplay.Run(older));
        Assert.Contains("format 3, this program reads format 6", refused.Message);
    }

    [Fact]
    public void A_decision_that_the_program_would_not_make_again_is_the_first_difference()
    {
        // The same events under another seed: ties fall otherwise, sooner or later.
        var pool = new RecordedPool("random", 3, new MemoryLogs());
        pool.Live(100);
        var log = Assert.Single(pool.Finish());
        var lie = PoolReplay.HeaderOf(log) with { Seed = 4 };
        var result = PoolReplay.Run(WithHeader(log, lie));
        Assert.Equal(1, result.Difference?.Number);
        Assert.True(result.Difference!.CostsDiffer);
    }

    [Fact]
    public void A_difference_says_when_it_was_and_of_which_request()
    {
        var pool = new RecordedPool("random", 3, new MemoryLogs());
        pool.Live(100);
        var log = Assert.Single(pool.Finish());
        var start = DateTimeOffset.UnixEpoch;
        var lie = PoolReplay.HeaderOf(log) with
        {
            Seed = 4,
            StartedTicks = start.UtcTicks,
            StartedAt = Instant.FromSeconds(-60),
        };
        var result = PoolReplay.Run(WithHeader(log, lie));
        Assert.Equal(1_001UL, result.Difference!.Id);
        Assert.Equal(
            start + TimeSpan.FromSeconds(60) + (result.Difference.At - Instant.Zero),
            result.Header.TimeOf(result.Difference.At));
        Assert.InRange(result.Difference.At.Seconds, 0.01, 5);
    }

    [Fact]
    public void What_another_policy_says_is_not_lost_where_a_decision_comes_out_otherwise()
    {
        var pool = new RecordedPool("random", 3, new MemoryLogs());
        pool.Live(100);
        var log = Assert.Single(pool.Finish());
        var lie = PoolReplay.HeaderOf(log) with { Seed = 4 };
        var result = PoolReplay.Run(WithHeader(log, lie), RoutePolicies.Create("least-outstanding"));
        Assert.NotNull(result.Difference);
        Assert.Equal(result.Decisions, result.Comparison!.Decisions);
    }

    /// <summary>Formats before 5 began with another word.</summary>
    [Theory]
    [InlineData("535443 4B4C4F4700 04", "format 4")]
    [InlineData("504E5354 4B4C4F47 05", "format 5")]
    [InlineData("504E5354 4B4C4F47 07", "format 7")]
    public void A_log_of_another_format_is_refused_and_said_which(string header, string said)
    {
        var sink = new MemoryLogs();
        sink.Begin(Convert.FromHexString(header.Replace(" ", "", StringComparison.Ordinal)), null);
        var refused = Assert.Throws<InvalidDataException>(() => PoolReplay.Run(sink.All[0]));
        Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        Assert.Contains($"reads format {PoolLogHeader.Format}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_policy_is_asked_in_the_states_in_which_the_pool_was()
    {
        var pool = new RecordedPool("round-robin", 3, new MemoryLogs());
        pool.Live(4_000);
        var log = Assert.Single(pool.Finish());
        var same = PoolReplay.Run(log, RoutePolicies.Create("round-robin")).Comparison!;
        Assert.Equal((same.Decisions, 0L), (pool.Decisions, same.Different));
        var other = PoolReplay.Run(log, RoutePolicies.Create("least-outstanding")).Comparison!;
        Assert.InRange(other.Different, 1, other.Decisions - 1);
        Assert.Equal(PolicyComparison.ExamplesMax, other.Examples.Count);
        Assert.All(other.Examples, e => Assert.NotEqual(e.Recorded.Replica, e.Other.Replica));
        Assert.All(other.Examples, e => Assert.Equal(1_000 + (ulong)e.Number, e.Id));
        Assert.Equal(
            other.RecordedByReplica.Sum(), same.OtherByReplica.Sum());
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is not a log of any kind, but it is long enough to be one")]
    public void What_is_no_log_is_said_to_be_none(string text) =>
        Assert.Throws<InvalidDataException>(() => PoolReplay.Run(System.Text.Encoding.UTF8.GetBytes(text)));

    private static byte[] WithHeader(ReadOnlySpan<byte> log, PoolLogHeader header)
    {
        LogChunk.Take(ref log, out _);
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        header.Write(buffer);
        var sink = new MemoryLogs();
        sink.Begin(buffer.WrittenSpan, null);
        return [.. sink.All[0], .. log];
    }

    /// <summary>Logs of which all but the first begin with a state.</summary>
    private static IReadOnlyList<byte[]> RowOfLogs()
    {
        var pool = new RecordedPool("penstock", 3, new MemoryLogs());
        for (var i = 0; i < 3; i++)
        {
            pool.Live(200);
            pool.Reload(null);
            pool.Live(200);
            pool.Writer.Flush();
        }

        return pool.Finish();
    }

    /// <summary>Where the chunk that begins at a place ends.</summary>
    private static int PayloadEnd(ReadOnlySpan<byte> log, int at)
    {
        var left = log[at..];
        Assert.Equal(ChunkKind.Whole, LogChunk.Take(ref left, out _));
        return log.Length - left.Length;
    }
}
