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

    /// <summary>Times that the numbers of one rank may break off or begin anew within one answer: an engine whose
    /// buffer ran over, or that was restarted, does so once. What comes after is left out.</summary>
    private const int BreaksMax = 8;

    private RankOrder?[] _ranks = new RankOrder?[1];
    private long _answer;

    /// <summary>Events passed on.</summary>
    public long Events { get; private set; }

    /// <summary>Events that never came.</summary>
    public long LostEvents { get; private set; }

    /// <summary>Times that a rank began anew.</summary>
    public long Restarts { get; private set; }

    /// <summary>Events that were left out: of too high a rank, or of one whose numbers make no sense.</summary>
    public long Ignored { get; private set; }

    /// <summary>What comes now is another answer of the engine.</summary>
    public void BeginAnswer() => _answer++;

    public void Visit(in TrtllmEvent happened)
    {
        if (happened.Rank >= RanksMax || !TryTakeNumber(happened))
        {
            Ignored++;
            return;
        }

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

    /// <returns>False: the rank's numbers broke off too often. The next answer shows what is missing.</returns>
    private bool TryTakeNumber(in TrtllmEvent happened)
    {
        var rank = happened.Rank;
        if (rank >= _ranks.Length)
        {
            Array.Resize(ref _ranks, Math.Min(RanksMax, Math.Max(rank + 1, _ranks.Length * 2)));
        }

        if (_ranks[rank] is not { } order)
        {
            order = _ranks[rank] = new RankOrder();

            // The first event that an engine ever tells is that it made its cache.
            var isFirst = happened is { Id: 0, Kind: TrtllmEventKind.Created };
            sink.Reset(rank, isFirst ? KvResetReason.Began : KvResetReason.Joined);
        }
        else if (!TryFollow(order, in happened))
        {
            return false;
        }

        order.Next = happened.Id < long.MaxValue ? happened.Id + 1 : long.MaxValue;
        if (happened.Kind == TrtllmEventKind.Created)
        {
            order.Learn(happened.Window);
        }

        return true;
    }

    private bool TryFollow(RankOrder order, in TrtllmEvent happened)
    {
        var isAnew = happened.Id < order.Next
            || (happened.Kind == TrtllmEventKind.Created && order.Knows(happened.Window));
        if (!isAnew && happened.Id == order.Next)
        {
            return !order.IsGivenUp(_answer, BreaksMax);
        }

        var breaks = order.CountBreak(_answer);
        if (breaks > BreaksMax)
        {
            return false;
        }

        if (breaks == BreaksMax)
        {
            // What follows is left out.
            sink.Lost(happened.Rank, 1);
            return false;
        }

        if (isAnew)
        {
            Restarts++;
            order.Begin();
            sink.Reset(happened.Rank, KvResetReason.Restarted);
        }
        else
        {
            LostEvents += happened.Id - order.Next;
            sink.Lost(happened.Rank, happened.Id - order.Next);
        }

        return true;
    }

    /// <summary>Where one rank is. Each attention window has a cache that is made once in the engine's life.</summary>
    private sealed class RankOrder
    {
        private readonly long[] _windows = new long[WindowsMax];
        private int _count;
        private long _answer;
        private int _breaks;

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

        /// <summary>Its numbers broke off or began anew so often within an answer, this time included.</summary>
        public int CountBreak(long answer)
        {
            _breaks = _answer == answer ? _breaks + 1 : 1;
            _answer = answer;
            return _breaks;
        }

        public bool IsGivenUp(long answer, int breaksMax) => _answer == answer && _breaks >= breaksMax;
    }
}
