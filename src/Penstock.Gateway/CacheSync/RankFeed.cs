using Penstock.Core.KvSync;
using Penstock.Engines.KvEvents;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.CacheSync;

/// <summary>One publisher of a replica: the cache events of one rank.</summary>
/// <remarks>Called by the thread that received the bytes. State and times may be read by any.</remarks>
internal sealed class RankFeed : IKvEventListener, IAsyncDisposable
{
    private const string Missed = "events were missed that could not be had again";
    private const string Full = "it holds more blocks than are kept of it";

    private readonly CacheView _view;
    private readonly LoadView _load;
    private readonly FeedBugs _bugs;
    private readonly TimeProvider _time;
    private readonly KvSubscription _subscription;
    private readonly FeedLog _log;
    private readonly int _rank;
    private readonly bool[] _missed = new bool[KvBlockMap.RanksMax];
    private int _missedRanks;
    private long _heardAt;
    private volatile FeedState _state = FeedState.Connecting;

    public RankFeed(
        KvSubscriptionSettings settings, CacheView view, LoadView load, FeedBugs bugs, TimeProvider time, CacheLog log)
    {
        _log = log.Of(settings.Rank);
        _view = view;
        _load = load;
        _bugs = bugs;
        _time = time;
        _rank = settings.Rank;
        _subscription = new KvSubscription(settings, this, time);
    }

    public KvCounters Counters => _subscription.Counters;

    public FeedState State => _state == FeedState.Live && Volatile.Read(ref _missedRanks) > 0 ? FeedState.Gap : _state;

    /// <summary>When it last said something; 0: never.</summary>
    public long HeardAt => Interlocked.Read(ref _heardAt);

    /// <summary>The port that engines connect to; 0: none.</summary>
    public int BoundPort => _subscription.BoundPort;

    public void Start() => _subscription.Start();

    public ValueTask DisposeAsync() => _subscription.DisposeAsync();

    void IKvEventListener.Batch(KvSource source, ref KvBatchReader batch)
    {
        Interlocked.Exchange(ref _heardAt, _time.GetTimestamp());

        // Others that connect to the same endpoint may come, go and misbehave meanwhile.
        _state = FeedState.Live;
        _log.Now(State, Missed);
        if (!_view.Take(source.Rank, ref batch))
        {
            SetMissed(source.Rank, true);
            _log.Now(State, Full);
        }
    }

    void IKvEventListener.Forget(KvSource source, KvForgetReason reason)
    {
        if (reason == KvForgetReason.Restarted)
        {
            SetMissed(source.Rank, false);
            _view.Lost(source.Rank);
            _log.Restarted();
        }
        else
        {
            SetMissed(source.Rank, true);
            _view.Doubt(source.Rank);
        }

        _log.Now(State, Missed);
    }

    void IKvEventListener.LoadTold(KvSource source, in KvLoad load)
    {
        Interlocked.Exchange(ref _heardAt, _time.GetTimestamp());
        _load.Told(load.Rank >= 0 ? load.Rank : _rank, in load);
    }

    void IKvEventListener.Surfaced(Exception bug)
    {
        _state = FeedState.Faulty;
        _bugs.Surfaced(bug);
    }

    void IKvEventListener.Noticed(in KvNotice notice)
    {
        switch (notice.Kind)
        {
            case KvNoticeKind.Connected:
                _state = FeedState.Live;
                _log.Connected(State, Missed);
                return;
            case KvNoticeKind.Disconnected:
                _state = FeedState.Connecting;
                break;
            case KvNoticeKind.Faulted:
                _state = FeedState.Faulty;
                _log.Now(FeedState.Faulty, Reason(in notice));
                return;
            case KvNoticeKind.StartedInTheMiddle:
                var rank = notice.Source?.Rank ?? _rank;
                SetMissed(rank, true);
                _view.StartedInTheMiddle(rank);
                _log.Now(State, "it was at work before it was listened to");
                return;
            default:
                return;
        }

        _log.Now(State, Missed);
    }

    private static string Reason(in KvNotice notice) =>
        notice.Fault == KvFault.Wire ? $"{notice.Fault}, {notice.WireFault}" : notice.Fault.ToString();

    private void SetMissed(int rank, bool missed)
    {
        lock (_missed)
        {
            if ((uint)rank < (uint)_missed.Length && _missed[rank] != missed)
            {
                _missed[rank] = missed;
                _missedRanks += missed ? 1 : -1;
            }
        }
    }
}
