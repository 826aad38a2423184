using Penstock.Core.Primitives;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster.Outgoing;

/// <summary>
/// Makes the batches of one stream: whatever changed since the last one. There is no queue of loads, so a peer that is
/// slow gets fewer and newer ones; of prompts it misses those that the ring has overwritten by then.
/// </summary>
/// <remarks>Not thread-safe, but for <see cref="TellFrom"/>: one stream's own. Begins with all loads.</remarks>
/// <param name="node">Who this gateway is.</param>
/// <param name="epoch">Under which epoch the stream was opened.</param>
/// <param name="outbox">What there is to tell.</param>
internal sealed class PeerSender(string node, long epoch, PeerOutbox outbox)
{
    /// <summary>Bytes of a batch at most, which bounds what one stream sends to 5 MiB/s.</summary>
    public const int BatchBytesMax = 128 * 1024;

    private readonly PeerBatch _batch = new(BatchBytesMax);
    private readonly ulong[] _chain = new ulong[PeerFormat.BlocksMax];
    private long[] _told = [];
    private int _named;
    private int _first;
    private bool _greeted;
    private NewsCursor? _cursor;
    private Instant _lastAt;

    /// <summary>Who reads the stream is known: what happened is told as well from now on, from here.</summary>
    public void TellFrom(NewsCursor cursor) => Volatile.Write(ref _cursor, cursor);

    /// <summary>The next bytes to send; none where there is nothing to say. Valid until the next call.</summary>
    public ReadOnlyMemory<byte> Next(Instant now)
    {
        Begin(now);
        var before = _batch.Frames;
        Names();
        Loads();
        Happened();
        if (_batch.Frames == before && _greeted && now - _lastAt < PeerTimes.HeartbeatEvery)
        {
            return default;
        }

        return End(now);
    }

    /// <summary>The last bytes of a stream.</summary>
    public ReadOnlyMemory<byte> Farewell(Instant now)
    {
        Begin(now);
        _batch.TryGoodbye();
        return End(now);
    }

    private void Begin(Instant now)
    {
        _batch.Clear();
        if (!_greeted)
        {
            _batch.TryHello(epoch, node);
        }

        _batch.TryHeartbeat(now.Nanoseconds);
    }

    private ReadOnlyMemory<byte> End(Instant now)
    {
        _greeted = true;
        _lastAt = now;
        outbox.Counters.Sent(_batch.Frames, _batch.Bytes.Length);
        return _batch.Bytes;
    }

    private void Names()
    {
        var replicas = outbox.Replicas;
        while (_named < replicas.Length
            && _batch.TryReplica(_named, replicas[_named].Pool, replicas[_named].Name))
        {
            _named++;
        }

        if (_told.Length < _named)
        {
            Array.Resize(ref _told, Math.Min(PeerFormat.ReplicasMax, Math.Max(64, _named * 2)));
        }
    }

    // Goes on next time where the batch was full, so that the last replicas get their turn.
    private void Loads()
    {
        var replicas = outbox.Replicas;
        for (var i = 0; i < _named; i++)
        {
            var at = (_first + i) % _named;
            var replica = replicas[at];
            var version = replica.Version;
            if (version == _told[at])
            {
                continue;
            }

            if (!_batch.TryLoad(at, replica.InFlight, replica.PrefillTokens, replica.DecodeTokens))
            {
                _first = at;
                return;
            }

            _told[at] = version;
        }
    }

    private void Happened()
    {
        if (Volatile.Read(ref _cursor) is not { } cursor)
        {
            return;
        }

        while (true)
        {
            var position = Math.Max(0, cursor.Position);
            var any = outbox.Ring.TryRead(ref position, _chain, out var news, out var missed);

            // Who was told nothing yet has missed nothing.
            outbox.Counters.Drop(cursor.Position < 0 ? 0 : missed);
            cursor.Position = position;
            if (!any || news.Replica.Id >= _named || !Tell(in news))
            {
                return;
            }

            cursor.Position = position + 1;
        }
    }

    private bool Tell(in News news) => news.Kind switch
    {
        NewsKind.Routed => _batch.TryPrefix(news.Replica.Id, _chain.AsSpan(0, news.Blocks)),
        NewsKind.Answered => !_batch.Knows(news.Answer) || _batch.TryAnswered(news.Replica.Id, news.Answer),
        _ => _batch.TryCacheLost(news.Replica.Id),
    };
}
