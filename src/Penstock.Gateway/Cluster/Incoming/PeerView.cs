using Microsoft.Extensions.Logging;
using Penstock.Core.Primitives;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster.Incoming;

/// <summary>What one other gateway said of itself, as far as it is known. Told on to the sink, in order.</summary>
/// <remarks>Thread-safe: the stream that speaks for it, and the watch for silence, take turns under its lock. Of
/// several streams only the last one that was let in is listened to.</remarks>
internal sealed class PeerView(PeerNode node, IPeerSink sink, ClusterCounters counters, ILogger log)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Pool, string Replica), PeerLoad> _loads = [];
    private PeerClock _clock = new();
    private PeerStream? _stream;
    private Instant _heardAt;
    private Instant _asOf;
    private bool _here;

    public PeerNode Node { get; } = node;

    public long Epoch { get; private set; } = -1;

    /// <summary>It is heard, and what it has in flight counts.</summary>
    public bool Here => Volatile.Read(ref _here);

    /// <summary>Requests that it has in flight by its last word.</summary>
    public long InFlight
    {
        get
        {
            lock (_lock)
            {
                return _here ? _loads.Values.Sum(l => (long)l.InFlight) : 0;
            }
        }
    }

    /// <summary>How old the newest is that is known of it.</summary>
    public TimeSpan Age(Instant now)
    {
        lock (_lock)
        {
            return now > _asOf ? now - _asOf : TimeSpan.Zero;
        }
    }

    /// <summary>Lets a stream speak for the node, in the place of any other. False where a later process does already.
    /// </summary>
    public bool Take(PeerStream stream, long epoch, Instant now)
    {
        PeerStream? replaced;
        lock (_lock)
        {
            if (epoch < Epoch)
            {
                return false;
            }

            if (epoch > Epoch)
            {
                // Another process: nothing of the one before it is in flight, and its clock is another.
                Leave(now);
                _loads.Clear();
                _clock = new PeerClock();
                _asOf = now;
            }

            Epoch = epoch;
            replaced = _stream;
            _stream = stream;
            _heardAt = now;
        }

        replaced?.End();
        return true;
    }

    public void Release(PeerStream stream)
    {
        lock (_lock)
        {
            if (_stream == stream)
            {
                _stream = null;
            }
        }
    }

    public void Heartbeat(PeerStream from, long sent, Instant now)
    {
        lock (_lock)
        {
            if (_stream != from)
            {
                return;
            }

            _heardAt = now;
            _asOf = _clock.Observe(sent, now);
            if (!_here)
            {
                Volatile.Write(ref _here, true);
                ClusterLog.Heard(log, Node.Name);
                TellLoads();
            }

            sink.PeerHeard(Node, _asOf);
        }
    }

    /// <summary>Tells the sink all loads again: it may know more replicas now than when they were said.</summary>
    public void Retell()
    {
        lock (_lock)
        {
            if (_here)
            {
                TellLoads();
            }
        }
    }

    public void Load(PeerStream from, PeerReplica replica, PeerLoad load)
    {
        lock (_lock)
        {
            if (_stream != from)
            {
                return;
            }

            var key = (replica.Pool, replica.Name);
            if (_loads.Count >= PeerFormat.ReplicasMax && !_loads.ContainsKey(key))
            {
                counters.Unlist(1);
                return;
            }

            _loads[key] = load;
            if (_here)
            {
                Tell(replica.Pool, replica.Name, load);
            }
        }
    }

    public void Prefix(PeerStream from, PeerReplica replica, ReadOnlySpan<ulong> blocks)
    {
        lock (_lock)
        {
            if (_stream == from)
            {
                sink.PeerPrefix(Node, replica.Pool, replica.Name, blocks, _asOf);
            }
        }
    }

    public void Answered(PeerStream from, PeerReplica replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer)
    {
        lock (_lock)
        {
            if (_stream == from)
            {
                sink.PeerAnswered(Node, replica.Pool, replica.Name, blocks, in answer, _asOf);
            }
        }
    }

    public void CacheLost(PeerStream from, PeerReplica replica)
    {
        lock (_lock)
        {
            if (_stream == from)
            {
                sink.PeerCacheLost(Node, replica.Pool, replica.Name, _asOf);
            }
        }
    }

    public void Goodbye(PeerStream from, Instant now)
    {
        lock (_lock)
        {
            if (_stream == from)
            {
                Leave(now);
                _loads.Clear();
            }
        }
    }

    /// <summary>Looks whether the node is silent. True where it was for so long that it can be forgotten.</summary>
    public bool Watch(Instant now)
    {
        PeerStream? silent = null;
        var forget = false;
        lock (_lock)
        {
            var silence = now - _heardAt;
            if (silence >= PeerTimes.SilentAfter && _here)
            {
                ClusterLog.Silent(log, Node.Name);
                Leave(now);
            }

            if (silence >= PeerTimes.CloseAfter)
            {
                silent = _stream;
            }

            forget = silence >= PeerTimes.ForgetAfter && _stream is null;
        }

        silent?.End();
        return forget;
    }

    private void Leave(Instant now)
    {
        if (_here)
        {
            Volatile.Write(ref _here, false);
            sink.PeerGone(Node, now);
        }
    }

    private void TellLoads()
    {
        foreach (var load in _loads)
        {
            Tell(load.Key.Pool, load.Key.Replica, load.Value);
        }
    }

    private void Tell(string pool, string replica, PeerLoad load) => sink.PeerLoad(
        Node, pool, replica, load.InFlight, load.PrefillTokens, load.DecodeTokens, _asOf);
}

/// <summary>What a node has in flight at one replica.</summary>
internal readonly record struct PeerLoad(int InFlight, long PrefillTokens, long DecodeTokens);
