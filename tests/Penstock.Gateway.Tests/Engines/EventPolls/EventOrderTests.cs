using Penstock.Engines.EventPolls;
using Penstock.Tests.Shared;
using Penstock.Wire.TensorRt;

namespace Penstock.Gateway.Tests.Engines.EventPolls;

/// <summary>What the numbers of events say: all there, some missing, begun anew.</summary>
public class EventOrderTests
{
    [Fact]
    public void The_first_events_of_a_rank_begin_with_nothing_known()
    {
        var (order, sink) = Start();
        Visit(order, id: 7);
        Visit(order, id: 8);
        Visit(order, id: 0, rank: 3);
        Assert.Equal(
            ["reset 0 Joined", "removed 0 w1 7", "removed 0 w1 8", "reset 3 Joined", "removed 3 w1 0"], sink.Lines);
        Assert.Equal((3, 0, 0), (order.Events, order.LostEvents, order.Restarts));
    }

    /// <summary>Somebody else asked the engine as well, or its buffer ran over.</summary>
    [Fact]
    public void A_gap_is_told_before_the_event_after_it()
    {
        var (order, sink) = Start();
        Visit(order, id: 0);
        Visit(order, id: 5);
        Assert.Equal(["reset 0 Joined", "removed 0 w1 0", "lost 0 4", "removed 0 w1 5"], sink.Lines);
        Assert.Equal(4, order.LostEvents);
    }

    [Fact]
    public void Numbers_that_step_back_are_an_engine_that_began_anew()
    {
        var (order, sink) = Start();
        Visit(order, id: 4);
        Visit(order, id: 0, kind: TrtllmEventKind.Created);
        Visit(order, id: 1);
        Assert.Equal(
            ["reset 0 Joined", "removed 0 w1 4", "reset 0 Restarted", "sized 0 w1 10,20", "removed 0 w1 1"],
            sink.Lines);
        Assert.Equal((1, 0), (order.Restarts, order.LostEvents));
    }

    /// <summary>A model with several attention windows has a cache for each, all made at its start.</summary>
    [Fact]
    public void A_cache_made_twice_is_a_restart_and_one_for_another_window_is_none()
    {
        var (order, sink) = Start();
        Visit(order, id: 0, kind: TrtllmEventKind.Created, window: 1);
        Visit(order, id: 1, kind: TrtllmEventKind.Created, window: 2);
        Assert.Equal(["reset 0 Began", "sized 0 w1 10,20", "sized 0 w2 10,20"], sink.Lines);
        Visit(order, id: 2, kind: TrtllmEventKind.Created, window: 2);
        Assert.Equal(["reset 0 Restarted", "sized 0 w2 10,20"], sink.Lines[3..]);
    }

    [Fact]
    public void The_first_event_that_an_engine_ever_tells_means_that_all_will_be_known()
    {
        var (order, sink) = Start();
        Visit(order, id: 0, kind: TrtllmEventKind.Created);
        Visit(order, id: 0, rank: 1);
        Visit(order, id: 1, rank: 2, kind: TrtllmEventKind.Created);
        Assert.Equal(
            ["reset 0 Began", "reset 1 Joined", "reset 2 Joined"],
            sink.Lines.Where(l => l.StartsWith("reset", StringComparison.Ordinal)));
    }

    /// <summary>An answer holds hundreds of thousands of events, and each break has all that is known of the rank
    /// looked through.</summary>
    [Theory]
    [InlineData(TrtllmEventKind.Created, 0)]
    [InlineData(TrtllmEventKind.Removed, 2)]
    public void A_rank_whose_numbers_break_off_again_and_again_is_left_out_until_the_next_answer(
        TrtllmEventKind kind, int step)
    {
        var (order, sink) = Start();
        order.BeginAnswer();
        Visit(order, id: 1);
        Visit(order, id: 1, rank: 1);
        for (var i = 1; i <= 1_000; i++)
        {
            Visit(order, id: 3 + (i * step), kind: kind);
        }

        var breaks = sink.Lines.Count(l => l.StartsWith("reset 0 R", StringComparison.Ordinal)
            || l.StartsWith("lost 0", StringComparison.Ordinal));
        Assert.InRange(breaks, 1, 8);
        Assert.Equal("lost 0 1", sink.Lines[^1]);

        // Others are heard, and what was left out shows.
        Visit(order, id: 2, rank: 1);
        Assert.Equal("removed 1 w1 2", sink.Lines[^1]);
        order.BeginAnswer();
        Visit(order, id: 10_000);
        Assert.Equal("removed 0 w1 10000", sink.Lines[^1]);
        Assert.StartsWith("lost 0 ", sink.Lines[^2], StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_that_change_their_tier_are_told_and_those_that_change_their_priority_are_not()
    {
        var (order, sink) = Start();
        order.Visit(new TrtllmEvent { Id = 0, Kind = TrtllmEventKind.Updated, Hashes = [5], NewLevel = 1 });
        order.Visit(new TrtllmEvent { Id = 1, Kind = TrtllmEventKind.Updated, Hashes = [5] });
        order.Visit(new TrtllmEvent { Id = 2, Kind = TrtllmEventKind.Updated, NewLevel = 1 });
        order.Visit(new TrtllmEvent { Id = 3, Kind = TrtllmEventKind.Other });
        Assert.Equal(["reset 0 Joined", "moved 0 w0 5 to 1"], sink.Lines);
        Assert.Equal((4, 0), (order.Events, order.LostEvents));
    }

    [Fact]
    public void A_claim_of_countless_ranks_costs_no_memory()
    {
        var (order, sink) = Start();
        foreach (var rank in (int[])[EventOrder.RanksMax, int.MaxValue])
        {
            Visit(order, id: 0, rank: rank);
        }

        Assert.Empty(sink.Lines);
        Assert.Equal(2, order.Ignored);
        Visit(order, id: 0, rank: EventOrder.RanksMax - 1);
        Assert.Equal(2, sink.Lines.Count);
    }

    [Fact]
    public void The_last_number_there_is_does_not_overflow()
    {
        var (order, sink) = Start();
        Visit(order, id: long.MaxValue);
        Visit(order, id: long.MaxValue);
        const string Last = "removed 0 w1 9223372036854775807";
        Assert.Equal(["reset 0 Joined", Last, Last], sink.Lines);
    }

    [Fact]
    public void Nothing_is_allocated_for_an_event_of_a_known_rank()
    {
        var order = new EventOrder(new SilentSink());
        var id = 0L;
        Visit(order, id++);
        Assert.Equal(0, Allocation.Of(() => Visit(order, id++)));
        Assert.Equal(0, order.LostEvents);
    }

    private static (EventOrder Order, RecordingSink Sink) Start()
    {
        var sink = new RecordingSink();
        return (new EventOrder(sink), sink);
    }

    private static void Visit(
        EventOrder order, long id, int rank = 0, TrtllmEventKind kind = TrtllmEventKind.Removed, long window = 1)
    {
        ReadOnlySpan<ulong> hashes = [(ulong)id];
        ReadOnlySpan<long> levels = [10, 20];
        order.Visit(new TrtllmEvent
        {
            Id = id,
            Rank = rank,
            Window = window,
            Kind = kind,
            Hashes = hashes,
            BlocksPerLevel = levels,
        });
    }

    private sealed class SilentSink : IKvEventSink
    {
        public void Reset(int rank, KvResetReason reason)
        {
        }

        public void Lost(int rank, long events)
        {
        }

        public void Sized(int rank, long window, ReadOnlySpan<long> blocksPerLevel)
        {
        }

        public void Stored(in StoredBlocks stored)
        {
        }

        public void Removed(int rank, long window, ReadOnlySpan<ulong> blocks)
        {
        }

        public void Moved(int rank, long window, ulong block, int level)
        {
        }
    }
}
