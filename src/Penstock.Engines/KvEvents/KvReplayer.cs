using System.Net;
using System.Net.Sockets;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Engines.KvEvents;

/// <summary>What came of asking for batches again.</summary>
internal enum ReplayOutcome : byte
{
    /// <summary>All that the publisher still has was taken.</summary>
    Done,

    /// <summary>There is nowhere to ask.</summary>
    NoReplay,

    /// <summary>It failed, was too slow, or failed just now.</summary>
    Failed,

    /// <summary>A batch could not be read.</summary>
    Refused,
}

/// <summary>
/// Asks a publisher for batches again. What is asked for begins with the last batch that was taken: where that one
/// comes back different or not at all, the publisher is another process, which the numbers alone may not show.
/// </summary>
internal sealed class KvReplayer(
    KvSubscriptionSettings settings, KvDelivery delivery, KvCounters counters, TimeProvider time)
{
    /// <summary>One request, and one from the start after a restart was found.</summary>
    private const int RequestsMax = 2;

    public bool IsAvailable => settings.Replay is not null;

    /// <summary>Takes all batches after the last one taken.</summary>
    /// <param name="source">Whose; its gate is held.</param>
    /// <param name="publisher">Where the publisher is connected from or to.</param>
    /// <param name="stop">Ends the subscription.</param>
    public async Task<ReplayOutcome> FillAsync(KvSource source, EndPoint? publisher, CancellationToken stop)
    {
        if (AddressFor(source, publisher) is not { } address)
        {
            return ReplayOutcome.NoReplay;
        }

        if (time.GetTimestamp() < source.ReplayNotBefore)
        {
            return ReplayOutcome.Failed;
        }

        using var total = new CancellationTokenSource(settings.ReplayTotalMax, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(total.Token, stop);
        var outcome = ReplayOutcome.Failed;
        try
        {
            for (var i = 0; i < RequestsMax; i++)
            {
                counters.CountReplay();
                (outcome, var isAnother) = await AskAsync(source, address, either.Token);
                if (!isAnother)
                {
                    break;
                }

                delivery.Forget(source, KvForgetReason.Restarted);
            }
        }
        catch (SocketException)
        {
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
        }

        if (outcome != ReplayOutcome.Done)
        {
            source.ReplayNotBefore = time.GetTimestamp() +
                (long)(settings.ReplayCooldown.TotalSeconds * time.TimestampFrequency);
        }

        return outcome;
    }

    private async Task<(ReplayOutcome Outcome, bool IsAnother)> AskAsync(
        KvSource source, DnsEndPoint address, CancellationToken cancel)
    {
        using var idle = new CancellationTokenSource(settings.ReplayIdleMax, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancel);
        using var wire = await ZmtpSocket.ConnectAsync(
            address, ZmtpSocketType.Dealer, settings.WireLimits, either.Token);
        if (await wire.ReadAsync(either.Token) != ZmtpInput.Ready)
        {
            return (ReplayOutcome.Failed, false);
        }

        var isVerified = !source.Sequence.IsStarted;
        KvReplay.WriteRequest(wire.Output, isVerified ? 0 : source.Next - 1);
        while (true)
        {
            idle.CancelAfter(settings.ReplayIdleMax);
            if (await wire.ReadAsync(either.Token) != ZmtpInput.Message)
            {
                return (ReplayOutcome.Failed, false);
            }

            var outcome = Take(source, wire.Peer, ref isVerified, out var isAnother);
            if (outcome is not null || isAnother)
            {
                return (outcome ?? ReplayOutcome.Failed, isAnother);
            }
        }
    }

    /// <summary>One message of an answer; null: more follow.</summary>
    private ReplayOutcome? Take(KvSource source, ZmtpPeer peer, ref bool isVerified, out bool isAnother)
    {
        isAnother = false;
        if (!KvMessage.TryRead(peer, out var message))
        {
            return ReplayOutcome.Failed;
        }

        if (message.IsEnd)
        {
            isAnother = !isVerified;
            return isVerified ? ReplayOutcome.Done : null;
        }

        if (!isVerified)
        {
            // A first batch later than the one asked for says nothing of the process: the window has moved on.
            isVerified = true;
            isAnother = message.Number == source.Next - 1 && KvDelivery.Mark(message.Payload) != source.LastBatch;
        }

        return isAnother || delivery.TakeReplayed(source, message) == KvFault.None ? null : ReplayOutcome.Refused;
    }

    private DnsEndPoint? AddressFor(KvSource source, EndPoint? publisher)
    {
        if (settings.Replay is not { } replay)
        {
            return null;
        }

        var isBoundHere = settings.Endpoint.IsBoundHere;
        var host = replay.Host != "*" ? replay.Host
            : !isBoundHere ? settings.Endpoint.Address.Host
            : (publisher as IPEndPoint)?.Address.MapToIPv4().ToString();
        var port = replay.Port + (isBoundHere ? source.Rank : 0);
        return host is null || port > ushort.MaxValue ? null : new DnsEndPoint(host, port);
    }
}
