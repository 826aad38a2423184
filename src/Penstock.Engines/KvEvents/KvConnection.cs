using System.Net.Sockets;
using System.Text;
using Penstock.Core.KvSync;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Engines.KvEvents;

/// <summary>One connection to a publisher, from the handshake to its end.</summary>
internal sealed class KvConnection
{
    private readonly KvSubscriptionSettings _settings;
    private readonly KvSourceTable _sources;
    private readonly IKvEventListener _listener;
    private readonly KvCounters _counters;
    private readonly TimeProvider _time;
    private readonly KvDelivery _delivery;
    private readonly KvReplayer _replayer;
    private readonly byte[] _topic;
    private KvSource? _last;
    private bool _isReady;
    private bool _isOver;

    public KvConnection(
        KvSubscriptionSettings settings, KvSourceTable sources, IKvEventListener listener, KvCounters counters,
        TimeProvider time)
    {
        _settings = settings;
        _sources = sources;
        _listener = listener;
        _counters = counters;
        _time = time;
        _delivery = new KvDelivery(settings, listener, counters, time);
        _replayer = new KvReplayer(settings, _delivery, counters, time);
        _topic = Encoding.UTF8.GetBytes(settings.Topic);
        _last = sources.Single;
    }

    /// <summary>True once the publisher has shaken hands. May be read from any thread, as the next.</summary>
    public bool IsReady => Volatile.Read(ref _isReady);

    /// <summary>True once it said something of use.</summary>
    public bool HasDelivered => _delivery.HasDelivered;

    /// <summary>True once it has ended, however that came.</summary>
    public bool IsOver => Volatile.Read(ref _isOver);

    /// <summary>Listens until the connection ends.</summary>
    /// <returns>What the publisher did wrong; None: the connection just ended.</returns>
    /// <exception cref="OperationCanceledException">The subscription ends.</exception>
    public async Task<KvFault> RunAsync(ZmtpSocket wire, CancellationToken stop)
    {
        try
        {
            var fault = await HandshakeAsync(wire, stop);
            if (fault == KvFault.None)
            {
                Volatile.Write(ref _isReady, true);
                _counters.CountConnection();
                Notice(KvNoticeKind.Connected);
                ZmtpWriter.Subscribe(wire.Output, _topic, wire.Peer.TakesCommands);
                await wire.FlushAsync(stop);
                fault = await ListenAsync(wire, stop);
            }

            return End(fault, wire.Peer.Fault);
        }
        catch (SocketException)
        {
            return End(KvFault.None, ZmtpFault.None);
        }
        finally
        {
            Volatile.Write(ref _isOver, true);
        }
    }

    private async Task<KvFault> HandshakeAsync(ZmtpSocket wire, CancellationToken stop)
    {
        using var timer = new CancellationTokenSource(_settings.HandshakeTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stop);
        try
        {
            return await wire.ReadAsync(either.Token) == ZmtpInput.Ready ? KvFault.None
                : wire.Peer.Fault != ZmtpFault.None ? KvFault.Wire
                : KvFault.NoHandshake;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return KvFault.NoHandshake;
        }
    }

    private async Task<KvFault> ListenAsync(ZmtpSocket wire, CancellationToken stop)
    {
        if (_sources.Single is { } source && _replayer.IsAvailable)
        {
            // Subscribed first, asked second: what is published in between comes twice rather than never.
            Own(source);
            var outcome = await _replayer.FillAsync(source, wire.RemoteEndPoint, stop);
            if (outcome == ReplayOutcome.Refused)
            {
                return KvFault.BadBatch;
            }

            _delivery.HasDelivered |= outcome == ReplayOutcome.Done;
        }

        while (true)
        {
            var input = await wire.ReadAsync(stop);
            if (input == ZmtpInput.Failed)
            {
                return wire.Peer.Fault == ZmtpFault.None ? KvFault.None : KvFault.Wire;
            }

            if (input == ZmtpInput.Message && await TakeAsync(wire, stop) is var fault and not KvFault.None)
            {
                return fault;
            }
        }
    }

    private async ValueTask<KvFault> TakeAsync(ZmtpSocket wire, CancellationToken stop)
    {
        var found = Find(wire.Peer, out var source);
        if (source is null)
        {
            return found;
        }

        await source.Gate.WaitAsync(stop);
        try
        {
            if (Own(source) && _replayer.IsAvailable && source.Sequence.IsStarted
                && await _replayer.FillAsync(source, wire.RemoteEndPoint, stop) == ReplayOutcome.Refused)
            {
                return KvFault.BadBatch;
            }

            var step = TakeNow(source, wire.Peer, out var fault);
            if (step is KvStep.Gap or KvStep.StartedInTheMiddle)
            {
                fault = await FillAsync(source, wire, step, stop);
            }

            _delivery.HasDelivered |= fault == KvFault.None;
            return fault;
        }
        finally
        {
            source.Gate.Release();
        }
    }

    private KvStep TakeNow(KvSource source, ZmtpPeer peer, out KvFault fault)
    {
        KvMessage.TryRead(peer, out var message);
        return _delivery.TakeLive(source, message, out fault);
    }

    // What comes before the batch at hand is asked for while that one waits where it was received: nothing is buffered
    // here, the publisher's own queue holds the rest.
    private async Task<KvFault> FillAsync(KvSource source, ZmtpSocket wire, KvStep step, CancellationToken stop)
    {
        var from = source.Next;
        var to = NumberOf(wire.Peer);
        if (step == KvStep.Gap)
        {
            _counters.CountGap();
            _listener.Noticed(new KvNotice(KvNoticeKind.Gap) { Source = source, From = from, To = to });
        }

        var forgets = _counters.Forgets;
        var outcome = await _replayer.FillAsync(source, wire.RemoteEndPoint, stop);
        if (outcome == ReplayOutcome.Refused)
        {
            return KvFault.BadBatch;
        }

        if (step == KvStep.Gap && source.Next >= to && _counters.Forgets == forgets)
        {
            _listener.Noticed(new KvNotice(KvNoticeKind.Recovered) { Source = source, From = from, To = to });
        }

        KvMessage.TryRead(wire.Peer, out var message);
        var reason = outcome switch
        {
            ReplayOutcome.NoReplay => KvForgetReason.NoReplay,
            ReplayOutcome.Done => KvForgetReason.WindowMissed,
            _ => KvForgetReason.ReplayFailed,
        };
        return _delivery.TakeLiveAnyway(source, message, reason);
    }

    private static ulong NumberOf(ZmtpPeer peer) => KvMessage.TryRead(peer, out var message) ? message.Number : 0;

    /// <summary>Whose message it is; null where it was dealt with, or where the result says what is wrong.</summary>
    private KvFault Find(ZmtpPeer peer, out KvSource? source)
    {
        source = null;
        if (!KvMessage.TryRead(peer, out var message) || message.IsEnd)
        {
            return KvFault.NoBatch;
        }

        if (message.Topic.SequenceEqual(KvLoad.Topic) && KvLoad.TryRead(message.Payload, out var load))
        {
            _counters.CountLoad();
            if (_last is { } teller)
            {
                // Where anybody may connect, a load alone says nothing: nobody knows whose it is.
                _delivery.HasDelivered = true;
                _listener.LoadTold(teller, in load);
            }

            return KvFault.None;
        }

        source = _sources.Single;
        return source is null ? FindBySelf(in message, out source) : KvFault.None;
    }

    /// <summary>Whose message it is by what it says, where anybody may connect.</summary>
    private KvFault FindBySelf(in KvMessage message, out KvSource? source)
    {
        source = null;
        if (!message.Topic.StartsWith(_topic))
        {
            // Not asked for, and left out, as any subscriber does.
            return KvFault.None;
        }

        if (message.Topic.Length > _settings.TopicBytesMax)
        {
            return KvFault.TooLarge;
        }

        var status = KvBatchReader.Open(message.Payload, _delivery.Buffers, _settings.EventLimits, out var batch);
        if (status != KvBatchStatus.Ok)
        {
            return status == KvBatchStatus.TooManyEvents ? KvFault.TooLarge : KvFault.BadBatch;
        }

        var rank = batch.Rank >= 0 ? batch.Rank : _settings.Rank;
        if (rank >= KvBlockMap.RanksMax)
        {
            return KvFault.BadBatch;
        }

        if (_last is { } last && ReferenceEquals(last.Speaker, this) && last.Is(message.Topic, rank))
        {
            source = last;
            return KvFault.None;
        }

        source = _sources.Find(message.Topic, rank, this, out var left);
        _last = source ?? _last;
        if (left is not null)
        {
            _delivery.Forget(left, KvForgetReason.Restarted);
        }

        return source is null ? KvFault.TooManyPublishers : KvFault.None;
    }

    /// <summary>This connection speaks for the source from now on.</summary>
    /// <returns>False where it did before.</returns>
    private bool Own(KvSource source)
    {
        if (ReferenceEquals(source.Owner, this))
        {
            return false;
        }

        source.Owner = this;
        source.Sequence = source.Sequence.Reconnected();
        return true;
    }

    private KvFault End(KvFault fault, ZmtpFault wireFault)
    {
        Volatile.Write(ref _isOver, true);
        fault = fault == KvFault.None && wireFault != ZmtpFault.None ? KvFault.Wire : fault;
        if (fault != KvFault.None)
        {
            _counters.CountFault();
            _listener.Noticed(
                new KvNotice(KvNoticeKind.Faulted) { Source = _last, Fault = fault, WireFault = wireFault });
        }
        else
        {
            Notice(KvNoticeKind.Disconnected);
        }

        return fault;
    }

    private void Notice(KvNoticeKind kind) => _listener.Noticed(new KvNotice(kind) { Source = _last });
}
