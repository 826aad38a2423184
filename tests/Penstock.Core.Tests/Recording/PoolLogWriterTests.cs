using Penstock.Core.Recording;

namespace Penstock.Core.Tests.Recording;

/// <summary>When a log ends, and what becomes of the record where the sink cannot take it.</summary>
public class PoolLogWriterTests
{
    [Fact]
    public void A_log_that_could_not_be_written_is_a_gap_and_another_begins()
    {
        var logs = new MemoryLogs();
        var pool = new RecordedPool("penstock", 3, logs);
        pool.Live(300);
        logs.IsLost = true;
        pool.Writer.Flush();
        Assert.Equal((1, true), (logs.GivenUp, pool.Writer.IsBroken));
        pool.Live(300);
        Assert.Equal((1, false), (logs.GivenUp, pool.Writer.IsBroken));
        var written = pool.Finish();
        Assert.Equal(2, written.Count);
        Assert.All(written, log => Assert.Null(PoolReplay.Run(log).Difference));
    }

    [Fact]
    public void A_loss_is_noticed_by_a_pool_that_has_nothing_to_say()
    {
        var logs = new MemoryLogs();
        var pool = new RecordedPool("penstock", 3, logs);
        pool.Writer.Flush();
        logs.IsLost = true;
        pool.Writer.Flush();
        Assert.True(pool.Writer.IsBroken);
    }

    [Fact]
    public void A_log_ends_after_an_eighth_of_what_it_may_come_to_or_four_times_its_state()
    {
        var logs = new MemoryLogs { LogBytesMax = 800_000 };
        var pool = new RecordedPool("round-robin", 5, logs);
        pool.Live(20_000);
        var written = pool.Finish();
        Assert.InRange(written.Count, 3, 100);
        var wanted = written
            .Select(log => Math.Min(Math.Max(100_000, 4 * PoolReplay.HeaderOf(log).StateBytes), 800_000)).ToArray();
        Assert.All(wanted[..^1], (bytes, i) => Assert.InRange(
            written[i].Length, bytes, bytes + (2 * PoolLogWriter.ChunkBytes)));
    }

    /// <summary>What it has goes on to be recorded; nothing is gained by an end of it.</summary>
    [Fact]
    public void Where_the_next_cannot_begin_the_log_at_hand_goes_on_as_long_as_it_may()
    {
        var logs = new MemoryLogs { LogBytesMax = 500_000, StateBytesMax = 1_000 };
        var pool = new RecordedPool("round-robin", 5, logs);
        pool.Live(20_000);
        Assert.Equal((1, true), (logs.GivenUp, pool.Writer.IsBroken));

        // A state that was found too large is not made again for every event.
        Assert.InRange(logs.AskedFor.Count, 2, 4);
        var log = Assert.Single(logs.All);
        Assert.InRange(log.Length, 500_000, 500_000 + (2 * PoolLogWriter.ChunkBytes));
        Assert.Null(PoolReplay.Run(log).Difference);
        logs.StateBytesMax = long.MaxValue;
        pool.Live(100);
        Assert.False(pool.Writer.IsBroken);
        Assert.All(pool.Finish(), l => Assert.Null(PoolReplay.Run(l).Difference));
    }

    [Fact]
    public void A_pool_that_changes_while_no_log_can_begin_is_a_gap()
    {
        var logs = new MemoryLogs { StateBytesMax = 1_000 };
        var pool = new RecordedPool("penstock", 5, logs);
        pool.Live(100);
        pool.Reload("round-robin");
        pool.Live(100);
        Assert.Equal((1, true), (logs.GivenUp, pool.Writer.IsBroken));
        Assert.Null(PoolReplay.Run(Assert.Single(pool.Finish())).Difference);
    }

    [Fact]
    public void A_sink_that_is_not_ready_at_the_start_gets_a_log_later()
    {
        var logs = new MemoryLogs { StateBytesMax = -1 };
        var pool = new RecordedPool("penstock", 5, logs);
        pool.Live(100);
        Assert.Equal((1, true), (logs.GivenUp, pool.Writer.IsBroken));
        logs.StateBytesMax = long.MaxValue;
        pool.Live(100);
        var result = PoolReplay.Run(Assert.Single(pool.Finish()));
        Assert.Null(result.Difference);
        Assert.InRange(result.Decisions, 10, 100);
    }
}
