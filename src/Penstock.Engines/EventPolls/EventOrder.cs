using Penstock.Wire.TensorRt;

namespace Penstock.Engines.EventPolls;

/// <summary>
/// Checks the numbers of the events of one replica and passes them on: a gap becomes <see cref="IKvEventSink.Lost"/>,
/// a step back or a cache made anew becomes <see cref="IKvEventSink.Reset"/>. Not thread-safe. Allocates for a rank
/// that is seen for the first time, and not afterwards.
/// </summary>
internal sealed class EventOrder(IKvEventSink sink) : ITrtllmEventVisitor
{
    /// <summary>Ranks that are followed; events of more are counted in <see cref="Ignored"/> and left out.</summary>
    public const int RanksMax = 256;

    /// <summary>Attention windows of a model; the caches of more are not told apart.</summary>
    private const int WindowsMax = 16;

    private RankOrder?[] _ranks = new RankOrder?[1];

    /// <summary>Events passed on.</summary>
    public long Events { get; private set; }

    /// <summary>Events that never came.</summary>
    public long LostEvents { get; private set; }

    /// <summary>Times that a rank began anew.</summary>
    public long Restarts { get; private set; }

    /// <summary>Events that were left out: of too high a rank.</summary>
    public long Ignored { get; private set; }

    public void Visit(in TrtllmEvent happened)
    {
        if (happened.Rank >= RanksMax)
        {
            Ignored++;
            return;
        }

        CheckNumber(happened);
        Events++;
        switch (happened.Kind)
        {
            case TrtllmEventKind.Created:
                sink.Sized(happened.Rank, happened.Window, happened.BlocksPerLevel);
                break;
            case TrtllmEventKind.Stored:
                sink.Stored(new StoredBlocks
                {
                    Rank = happened.Rank,
                    Window = happened.Window,
                    Parent = happened.Parent,
                    Blocks = happened.Blocks,
                    Tokens = happened.Tokens,
                });
                break;
            case TrtllmEventKind.Removed:
                sink.Removed(happened.Rank, happened.Window, happened.Hashes);
                break;
            case TrtllmEventKind.Updated when happened.NewLevel is { } level && happened.Hashes.Length > 0:
                sink.Moved(happened.Rank, happened.Window, happened.Hashes[0], level);
                break;
        }
    }

    private void CheckNumber(in TrtllmEvent happened)
    {
        var rank = happened.Rank;
        if (rank >= _ranks.Length)
        {
            Array.Resize(ref _ranks, Math.Min(RanksMax, Math.Max(rank + 1, _ranks.Length * 2)));
        }

        if (_ranks[rank] is not { } order)
        {
            order = _ranks[rank] = new RankOrder();
            sink.Reset(rank, KvResetReason.Joined);
        }
        else if (happened.Id < order.Next || (happened.Kind == TrtllmEventKind.Created && order.Knows(happened.Window)))
        {
            Restarts++;
            order.Begin();
            sink.Reset(rank, KvResetReason.Restarted);
        }
        else if (happened.Id > order.Next)
        {
            LostEvents += happened.Id - order.Next;
            sink.Lost(rank, happened.Id - order.Next);
        }

        order.Next = happened.Id < long.MaxValue ? happened.Id + 1 : long.MaxValue;
        if (happened.Kind == TrtllmEventKind.Created)
        {
            order.Learn(happened.Window);
        }
    }

    /// <summary>Where one rank is. Each attention window has a cache that is made once in the engine's life.</summary>
    private sealed class RankOrder
    {
        private readonly long[] _windows = new long[WindowsMax];
        private int _count;

        public long Next { get; set; }

        public bool Knows(long window) => Array.IndexOf(_windows, window, 0, _count) >= 0;

        public void Learn(long window)
        {
            if (_count < WindowsMax && !Knows(window))
            {
                _windows[_count++] = window;
            }
        }

        public void Begin() => _count = 0;
    }
}
