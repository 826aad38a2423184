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
            var pool = new RecordedPool(policy, seed, new MemoryLogs(), long.MaxValue);
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
        var pool = new RecordedPool(policy, 5, new MemoryLogs(), logBytesMax: 10_000);
        pool.Live(60_000);
        var logs = pool.Finish();
        Assert.InRange(logs.Count, 2, 100);
        var results = logs.Select(log => PoolReplay.Run(log)).ToArray();
        Assert.All(results, r => Assert.Null(r.Difference));
        Assert.Equal(pool.Decisions, results.Sum(r => r.Decisions));
        Assert.Equal([false, .. results.Skip(1).Select(_ => true)], results.Select(r => r.Header.HasCheckpoint));
    }

    [Theory]
    [InlineData("penstock", null)]
    [InlineData("penstock", "round-robin")]
    [InlineData("round-robin", "penstock")]
    public void A_pool_that_goes_on_with_other_replicas_or_another_policy_begins_another_log_that_is_exact(
        string policy, string? other)
    {
        var pool = new RecordedPool(policy, 5, new MemoryLogs(), long.MaxValue);
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
        var pool = new RecordedPool("penstock", 3, logs, long.MaxValue);
        pool.Live(300);
        logs.Room = 0;
        pool.Live(3_000);
        pool.Writer.Flush();
        pool.Live(10);
        Assert.True(pool.Writer.IsBroken);
        Assert.Equal(1, pool.Writer.Gaps);
        logs.Room = long.MaxValue;
        pool.Live(300);
        Assert.False(pool.Writer.IsBroken);
        var written = pool.Finish();
        Assert.Equal(2, written.Count);
        Assert.All(written, log => Assert.Null(PoolReplay.Run(log).Difference));
        Assert.Equal(1, logs.Ended);
    }

    [Fact]
    public void A_log_that_was_torn_off_is_good_up_to_its_last_whole_chunk()
    {
        var pool = new RecordedPool("penstock", 3, new MemoryLogs(), long.MaxValue);
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

    [Fact]
    public void A_changed_byte_is_noticed()
    {
        var pool = new RecordedPool("penstock", 3, new MemoryLogs(), long.MaxValue);
        pool.Live(300);
        var log = Assert.Single(pool.Finish());
        var whole = PoolReplay.Run(log).Decisions;
        for (var at = 0; at < log.Length; at += 97)
        {
            var changed = log.ToArray();
            changed[at] ^= 0x10;
            ReplayResult? result = null;
            try
            {
                result = PoolReplay.Run(changed);
            }
            catch (InvalidDataException)
            {
            }

            Assert.True(result is null || result.IsTorn || result.Decisions < whole);
        }
    }

    [Fact]
    public void A_decision_that_the_program_would_not_make_again_is_the_first_difference()
    {
        // The same events under another seed: ties fall otherwise, sooner or later.
        var pool = new RecordedPool("random", 3, new MemoryLogs(), long.MaxValue);
        pool.Live(100);
        var log = Assert.Single(pool.Finish());
        var lie = PoolReplay.HeaderOf(log) with { Seed = 4 };
        var result = PoolReplay.Run(WithHeader(log, lie));
        Assert.Equal(1, result.Difference?.Number);
        Assert.True(result.Difference!.CostsDiffer);
    }

    [Fact]
    public void Another_policy_is_asked_in_the_states_in_which_the_pool_was()
    {
        var pool = new RecordedPool("round-robin", 3, new MemoryLogs(), long.MaxValue);
        pool.Live(4_000);
        var log = Assert.Single(pool.Finish());
        var same = PoolReplay.Run(log, RoutePolicies.Create("round-robin")).Comparison!;
        Assert.Equal((same.Decisions, 0L), (pool.Decisions, same.Different));
        var other = PoolReplay.Run(log, RoutePolicies.Create("least-outstanding")).Comparison!;
        Assert.InRange(other.Different, 1, other.Decisions - 1);
        Assert.Equal(PolicyComparison.ExamplesMax, other.Examples.Count);
        Assert.All(other.Examples, e => Assert.NotEqual(e.Recorded.Replica, e.Other.Replica));
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
        LogChunk.TryTake(ref log, out _);
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        header.Write(buffer);
        var sink = new MemoryLogs();
        sink.Begin(buffer.WrittenSpan);
        return [.. sink.All[0], .. log];
    }
}
