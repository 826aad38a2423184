using Penstock.Core.KvSync;
using Penstock.Engines.EventPolls;
using Penstock.Engines.Watching;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// The events of a replica that are fetched, in the form that all others have. An engine that moves a block says where
/// to, and one that drops it, that it is gone from everywhere.
/// </summary>
internal sealed class DrainFeed : IKvEventSink, IAsyncDisposable
{
    private readonly CacheView _view;
    private readonly TimeProvider _time;
    private readonly EventPoll _poll;
    private readonly FeedLog _log;
    private readonly long[] _windows = new long[KvBlockMap.RanksMax];
    private readonly bool[] _missed = new bool[KvBlockMap.RanksMax];
    private long _blocks;
    private long _resets;
    private long _gaps;
    private long _heardAt;
    private int _missedRanks;

    public DrainFeed(ReplicaWatch watch, CacheView view, TimeProvider time, CacheLog log)
    {
        _log = log.Of(0);
        _view = view;
        _time = time;
        _poll = new EventPoll(watch, this, time);
    }

    public EventPollCounts Counts => _poll.Counts;

    public long Blocks => Volatile.Read(ref _blocks);

    public long Resets => Volatile.Read(ref _resets);

    public long Gaps => Volatile.Read(ref _gaps);

    public long HeardAt => Interlocked.Read(ref _heardAt);

    public FeedState State => Volatile.Read(ref _missedRanks) > 0 ? FeedState.Gap
        : HeardAt != 0 ? FeedState.Live
        : Counts is { } counts && counts.Questions > counts.Broken ? FeedState.Silent
        : FeedState.Connecting;

    public void Start() => _poll.Start();

    public void AskSoon() => _poll.AskSoon();

    public ValueTask DisposeAsync() => _poll.DisposeAsync();

    void IKvEventSink.Reset(int rank, KvResetReason reason)
    {
        Hear();
        if (reason == KvResetReason.Restarted)
        {
            _view.Lost(rank);
            SetMissed(rank, false);
            Learn(rank, null);
            Interlocked.Increment(ref _resets);
            _log.Restarted();
            _log.Now(State);
        }
        else if (reason == KvResetReason.Joined)
        {
            SetMissed(rank, true);
            _view.StartedInTheMiddle(rank);
            _log.Now(State, "it was at work before it was asked");
        }
    }

    void IKvEventSink.Lost(int rank, long events)
    {
        Hear();
        Interlocked.Increment(ref _gaps);
        Interlocked.Increment(ref _resets);
        SetMissed(rank, true);
        _view.Doubt(rank);
        _log.Now(State, "its buffer is too small, or somebody else fetches its events too");
    }

    void IKvEventSink.Sized(int rank, long window, ReadOnlySpan<long> blocksPerLevel)
    {
        // The shape of the cache is known from elsewhere. All windows are told before the first block of any.
        Hear();
        Learn(rank, window);
    }

    void IKvEventSink.Stored(in StoredBlocks stored)
    {
        Hear();
        if (!HoldsPrompts(stored.Rank, stored.Window))
        {
            return;
        }

        var parent = stored.Parent;
        foreach (ref readonly var block in stored.Blocks)
        {
            var hash = block.Hash;
            var e = new KvEvent
            {
                Kind = KvEventKind.Stored,
                Tier = TierOf(block.Level),
                Hashes = new ReadOnlySpan<ulong>(ref hash),
                HasParent = parent is not null,
                Parent = parent ?? 0,
                BlockTokens = block.TokenCount,

                // What more than its tokens makes it what it is, is not told.
                Tokens = block.IsPrivate ? default : stored.TokensOf(in block),
            };
            if (!_view.Take(stored.Rank, in e))
            {
                SetMissed(stored.Rank, true);
                _log.Now(State, "it holds more blocks than are kept of it");
            }

            Interlocked.Increment(ref _blocks);
            parent = hash;
        }
    }

    void IKvEventSink.Removed(int rank, long window, ReadOnlySpan<ulong> blocks)
    {
        Hear();
        if (HoldsPrompts(rank, window))
        {
            Drop(rank, blocks, except: null);
            Interlocked.Add(ref _blocks, blocks.Length);
        }
    }

    void IKvEventSink.Moved(int rank, long window, ulong block, int level)
    {
        Hear();
        if (!HoldsPrompts(rank, window))
        {
            return;
        }

        var hashes = new ReadOnlySpan<ulong>(ref block);

        // Known already: neither its tokens nor the block before it are needed.
        var e = new KvEvent
        {
            Kind = KvEventKind.Stored,
            Tier = TierOf(level),
            Hashes = hashes,
            HasParent = true,
            Parent = 0,
        };
        _view.Take(rank, in e);
        Drop(rank, hashes, TierOf(level));
        Interlocked.Increment(ref _blocks);
    }

    private static KvTier TierOf(int level) => level <= 0 ? KvTier.Device : KvTier.Host;

    private void Drop(int rank, ReadOnlySpan<ulong> blocks, KvTier? except)
    {
        for (var tier = KvTier.Device; tier <= KvTier.Host; tier++)
        {
            if (tier != except)
            {
                var e = new KvEvent { Kind = KvEventKind.Removed, Tier = tier, Hashes = blocks };
                _view.Take(rank, in e);
            }
        }
    }

    /// <summary>Only the largest attention window holds whole prompts.</summary>
    private bool HoldsPrompts(int rank, long window)
    {
        Learn(rank, window);
        return (uint)rank < (uint)_windows.Length && window == _windows[rank];
    }

    /// <summary>There is a window; null: none is known any more.</summary>
    private void Learn(int rank, long? window)
    {
        if ((uint)rank < (uint)_windows.Length)
        {
            _windows[rank] = window is { } known ? Math.Max(_windows[rank], known) : 0;
        }
    }

    private void Hear() => Interlocked.Exchange(ref _heardAt, _time.GetTimestamp());

    private void SetMissed(int rank, bool missed)
    {
        if ((uint)rank < (uint)_missed.Length && _missed[rank] != missed)
        {
            _missed[rank] = missed;
            _missedRanks += missed ? 1 : -1;
        }
    }
}
