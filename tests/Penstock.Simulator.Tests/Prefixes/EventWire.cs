using System.Buffers;
using Penstock.Core.KvSync;
using Penstock.Core.Primitives;
using Penstock.Simulator.Replicas;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Simulator.Tests.Prefixes;

/// <summary>What becomes of events on their way.</summary>
internal sealed record EventFaults
{
    public double LossRate { get; init; }

    public double ReorderRate { get; init; }

    public double DelaySeconds { get; init; } = 0.005;

    /// <summary>Batches that can be asked for again; 0: there is nowhere to ask.</summary>
    public int ReplayWindow { get; init; } = 10_000;

    public KvDialect Dialect { get; init; } = KvDialect.VllmMaps;
}

/// <summary>
/// The cache events of one engine model on their way to whoever keeps the view of it, in virtual time: written and
/// framed as an engine does, numbered, delayed, lost, overtaken, and read again from the frames, by the rules of a
/// subscription.
/// </summary>
internal sealed class EventWire : IDisposable
{
    /// <summary>A process that died is connected to again after so long.</summary>
    private const double ReconnectSeconds = 0.25;

    private const double OvertakenSeconds = 0.05;
    private const double VolumeEverySeconds = 0.05;

    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly KvEventBuffers _buffers = new();
    private readonly PriorityQueue<(ulong Number, long Life, byte[] Payload), (long Due, ulong Number)> _coming = new();
    private readonly Dictionary<ulong, byte[]> _history = [];
    private readonly EventFaults _faults;
    private readonly EngineProfile _profile;
    private ZmtpPeer _peer = Connected();
    private Rng _rng;
    private KvSequence _sequence;
    private ReplicaHoldings _holdings;
    private Instant _connectedAt;
    private Instant _volumeAt;
    private long _life;
    private ulong _next;
    private bool _isNew;

    public EventWire(EventFaults faults, EngineProfile profile, ReplicaHoldings holdings, ulong seed)
    {
        _faults = faults;
        _profile = profile;
        _holdings = holdings;
        _rng = new Rng(seed);
    }

    /// <summary>When the next batch arrives.</summary>
    public long? NextDue => _coming.TryPeek(out _, out var at) ? at.Due : null;

    public int Gaps { get; private set; }

    public int Restarts { get; private set; }

    public void Dispose() => _peer.Dispose();

    /// <summary>An engine publishes, a batch for each of its steps.</summary>
    public void Publish(ReadOnlySpan<CacheEvent> events, Instant now)
    {
        while (!events.IsEmpty)
        {
            var count = 1;
            while (count < events.Length && events[count].Step == events[0].Step)
            {
                count++;
            }

            Send(Encode(events[..count], now), now);
            events = events[count..];
        }
    }

    /// <summary>A prompt with these blocks was sent there.</summary>
    public void Routed(ReadOnlySpan<ulong> chain) => _holdings.Routed(chain);

    /// <summary>The process dies, with all that it had not sent, and is there again.</summary>
    public void RestartEngine(Instant now)
    {
        _life++;
        _next = 0;
        _history.Clear();
        _connectedAt = new Instant(now.Nanoseconds + (long)(ReconnectSeconds * 1e9));
        _isNew = true;
        _peer.Dispose();
        _peer = Connected();
    }

    /// <summary>Another one listens from now on, who knows nothing yet.</summary>
    public void Restart(ReplicaHoldings holdings, Instant now)
    {
        _holdings = holdings;
        _sequence = default;
        _coming.Clear();
        _peer.Dispose();
        _peer = Connected();
        Replay(now);
    }

    /// <summary>Takes what arrives at this moment.</summary>
    public void Deliver(Instant now)
    {
        while (_coming.TryPeek(out _, out var at) && at.Due <= now.Nanoseconds)
        {
            var (number, life, payload) = _coming.Dequeue();
            if (life == _life)
            {
                Hear(number, payload, now);
            }
        }

        if ((now - _volumeAt).TotalSeconds >= VolumeEverySeconds)
        {
            _volumeAt = now;
            _holdings.TellVolume(now);
        }
    }

    private static ZmtpPeer Connected()
    {
        var peer = new ZmtpPeer(ZmtpSocketType.Sub);
        var theirs = new ArrayBufferWriter<byte>();
        ZmtpWriter.Greeting(theirs);
        ZmtpWriter.Ready(theirs, ZmtpSocketType.Pub, default);
        peer.Feed(theirs.WrittenSpan);
        Assert.Equal(ZmtpInput.Ready, peer.Read(new ArrayBufferWriter<byte>()));
        return peer;
    }

    private void Send(byte[] payload, Instant now)
    {
        var number = _next++;
        _history[number] = payload;
        _history.Remove(number - (ulong)Math.Min((ulong)_faults.ReplayWindow, number + 1));

        // Every batch draws twice, so that one rate does not change what the other one hits.
        var isLost = _rng.NextDouble() < _faults.LossRate;
        var isOvertaken = _rng.NextDouble() < _faults.ReorderRate;
        if (!isLost && now >= _connectedAt)
        {
            var seconds = _faults.DelaySeconds + (isOvertaken ? OvertakenSeconds : 0);
            _coming.Enqueue((number, _life, payload), (now.Nanoseconds + (long)(seconds * 1e9), number));
        }
    }

    private void Hear(ulong number, byte[] payload, Instant now)
    {
        if (_isNew)
        {
            _isNew = false;
            _sequence = _sequence.Reconnected();
            if (_faults.ReplayWindow > 0)
            {
                // The last batch taken is not there any more, or is another one.
                Lose(now);
                Replay(now);
            }
        }

        var step = _sequence.After(number);
        if (step == KvStep.Rollback)
        {
            Lose(now);
            step = _sequence.After(number);
        }

        if (step is KvStep.Gap or KvStep.StartedInTheMiddle)
        {
            Gaps++;
            Replay(now);
            step = GiveUp(number, now);
        }

        if (step == KvStep.InOrder)
        {
            Take(number, payload, now);
        }

        _sequence = _sequence.Taken(number);
    }

    private void Lose(Instant now)
    {
        Restarts++;
        _holdings.Lost(0, now);
        _sequence = default;
    }

    private KvStep GiveUp(ulong number, Instant now)
    {
        var step = _sequence.After(number);
        var skippedFrom = number;
        if (step == KvStep.Gap)
        {
            skippedFrom = _sequence.Next;
            _holdings.Doubt(0, now);
        }

        if (step is KvStep.Gap or KvStep.StartedInTheMiddle)
        {
            _holdings.StartedInTheMiddle(0);
            _sequence = KvSequence.StartingAt(number, skippedFrom);
        }

        return _sequence.After(number);
    }

    private void Replay(Instant now)
    {
        if (_faults.ReplayWindow == 0)
        {
            return;
        }

        for (var number = _next - (ulong)_history.Count; number < _next; number++)
        {
            if (_sequence.IsStarted && number < _sequence.Next)
            {
                continue;
            }

            if (number > _sequence.Next)
            {
                _holdings.StartedInTheMiddle(0);
                _sequence = KvSequence.StartingAt(number);
            }

            Take(number, _history[number], now);
            _sequence = _sequence.Replayed(number);
        }
    }

    private void Take(ulong number, byte[] payload, Instant now)
    {
        _output.ResetWrittenCount();
        KvMessage.Write(_output, "kv"u8, number, payload);
        _peer.Feed(_output.WrittenSpan);
        Assert.Equal(ZmtpInput.Message, _peer.Read(_output));
        Assert.True(KvMessage.TryRead(_peer, out var message));
        Assert.Equal(number, message.Number);
        Assert.Equal(
            KvBatchStatus.Ok, KvBatchReader.Open(message.Payload, _buffers, KvEventLimits.Default, out var batch));
        while (batch.TryNext(out var e))
        {
            _holdings.Take(in e, 0, now);
        }
    }

    private byte[] Encode(ReadOnlySpan<CacheEvent> events, Instant now)
    {
        _output.ResetWrittenCount();
        var form = _faults.Dialect is KvDialect.SglangArrays or KvDialect.SglangMaps
            ? KvHashForm.Signed : KvHashForm.Unsigned;
        var writer = new KvBatchWriter(_output, _faults.Dialect, form);
        writer.Begin(now.Nanoseconds / 1e9, events.Length, 0);
        foreach (ref readonly var happened in events)
        {
            writer.Write(happened.Hashes.IsEmpty ? new KvEvent { Kind = KvEventKind.Cleared } : new KvEvent
            {
                Kind = happened.Kind == CacheEventKind.Stored ? KvEventKind.Stored : KvEventKind.Removed,
                Hashes = happened.Hashes.Span,
                HasParent = happened.Parent is not null,
                Parent = happened.Parent ?? 0,
                BlockTokens = _profile.BlockSize,
                Tokens = happened.Tokens.Span,
            });
        }

        writer.End(0);
        return _output.WrittenSpan.ToArray();
    }
}
