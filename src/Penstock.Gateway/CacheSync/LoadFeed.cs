using Penstock.Engines.KvEvents;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.CacheSync;

/// <summary>One publisher of a replica's load. Whatever else it says is left aside, and the log of the cache has
/// nothing of it: how it stands shows in the age of the load.</summary>
/// <remarks>Called by the thread that received the bytes.</remarks>
internal sealed class LoadFeed : IKvEventListener, IAsyncDisposable
{
    private readonly LoadView _load;
    private readonly FeedBugs _bugs;
    private readonly KvSubscription _subscription;
    private readonly int _rank;

    public LoadFeed(KvSubscriptionSettings settings, LoadView load, FeedBugs bugs, TimeProvider time)
    {
        _load = load;
        _bugs = bugs;
        _rank = settings.Rank;
        _subscription = new KvSubscription(settings, this, time);
    }

    public void Start() => _subscription.Start();

    public ValueTask DisposeAsync() => _subscription.DisposeAsync();

    void IKvEventListener.LoadTold(KvSource source, in KvLoad load) =>
        _load.Told(load.Rank >= 0 ? load.Rank : _rank, in load);

    void IKvEventListener.Surfaced(Exception bug) => _bugs.Surfaced(bug);

    void IKvEventListener.Batch(KvSource source, ref KvBatchReader batch)
    {
    }

    void IKvEventListener.Forget(KvSource source, KvForgetReason reason)
    {
    }

    void IKvEventListener.Noticed(in KvNotice notice)
    {
    }
}
