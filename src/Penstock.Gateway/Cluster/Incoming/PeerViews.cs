using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Cluster.Incoming;

/// <summary>The views of all other gateways, and the watch for those that fall silent. Thread-safe.</summary>
internal sealed class PeerViews : IAsyncDisposable
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly PeerView?[] _seats = new PeerView?[PeerNode.SeatsMax];
    private readonly IPeerSink _sink;
    private readonly ClusterCounters _counters;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _watch;

    public PeerViews(IPeerSink sink, ClusterCounters counters, TimeProvider time, ILogger log)
    {
        _sink = sink;
        _counters = counters;
        _time = time;
        _log = log;
        _watch = time.CreateTimer(_ => Watch(), null, WatchEvery, WatchEvery);
    }

    /// <summary>The instant of now, as pools have it.</summary>
    public Instant Now => new(_time.GetElapsedTime(0).Ticks * 100);

    public ImmutableArray<PeerView> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _seats.OfType<PeerView>()];
            }
        }
    }

    /// <summary>The age of the oldest view of a node that counts; zero where there is none.</summary>
    public TimeSpan OldestAge
    {
        get
        {
            var now = Now;
            return All.Where(v => v.Here).Select(v => v.Age(now)).DefaultIfEmpty().Max();
        }
    }

    /// <summary>Lets a stream speak for a node. False: a later process does; no stream: too many others do.</summary>
    /// <param name="node">The node's name.</param>
    /// <param name="epoch">The process of that name.</param>
    /// <param name="abort">Cuts the stream.</param>
    public (PeerStream? Stream, bool Let) Let(string node, long epoch, Action abort)
    {
        lock (_lock)
        {
            if (Of(node) is not { } view)
            {
                return (null, false);
            }

            var stream = new PeerStream(view, this, _counters, abort);
            return (stream, view.Take(stream, epoch, Now));
        }
    }

    /// <summary>Tells the sink the loads of all nodes again, as they were said last.</summary>
    public void Retell()
    {
        foreach (var view in All)
        {
            try
            {
                view.Retell();
            }
#pragma warning disable CA1031 // Whatever goes wrong with one node's loads stays with them.
            catch (Exception e)
#pragma warning restore CA1031
            {
                ClusterLog.Faulted(_log, e, view.Node.Name);
            }
        }
    }

    public ValueTask DisposeAsync() => _watch.DisposeAsync();

    private void Watch()
    {
        var now = Now;
        foreach (var view in All)
        {
            try
            {
                Watch(view, now);
            }
#pragma warning disable CA1031 // On a timer: it would end the process. What a fault leaves undone is one node's.
            catch (Exception e)
#pragma warning restore CA1031
            {
                ClusterLog.Faulted(_log, e, view.Node.Name);
            }
        }
    }

    private void Watch(PeerView view, Instant now)
    {
        if (view.Watch(now))
        {
            lock (_lock)
            {
                // Again: a stream may have come in between, or another node have the seat by now.
                if (_seats[view.Node.Seat] == view && view.Watch(now))
                {
                    _seats[view.Node.Seat] = null;
                }
            }
        }
    }

    private PeerView? Of(string node)
    {
        var free = -1;
        for (var seat = 0; seat < _seats.Length; seat++)
        {
            if (_seats[seat] is not { } view)
            {
                free = free < 0 ? seat : free;
            }
            else if (view.Node.Name == node)
            {
                return view;
            }
        }

        return free < 0 ? null : _seats[free] = new PeerView(new PeerNode(free, node), _sink, _counters, _log);
    }
}
