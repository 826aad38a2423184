using Penstock.Core.KvSync;
using Penstock.Core.Primitives;
using Penstock.Wire.KvEvents;

namespace Penstock.Engines.KvEvents;

/// <summary>Takes batches of a source in their order and hands them on. One for each connection; not thread-safe.
/// </summary>
internal sealed class KvDelivery(
    KvSubscriptionSettings settings, IKvEventListener listener, KvCounters counters, TimeProvider time)
{
    private const int SampleBytes = 256;

    private readonly KvEventBuffers _buffers = new();
    private int _rollbacks;

    public KvEventBuffers Buffers => _buffers;

    /// <summary>Takes a live batch, where it is its turn.</summary>
    /// <returns>Gap or StartedInTheMiddle: it was not taken, for others come first.</returns>
    public KvStep TakeLive(KvSource source, KvMessage message, out KvFault fault)
    {
        fault = KvFault.None;
        var step = source.Sequence.After(message.Number);
        if (step == KvStep.Rollback)
        {
            if (++_rollbacks > settings.RollbacksMax)
            {
                fault = KvFault.BadNumbers;
                return step;
            }

            Forget(source, KvForgetReason.Restarted);
            step = source.Sequence.After(message.Number);
        }

        if (step == KvStep.InOrder)
        {
            fault = Deliver(source, message);
        }
        else if (step == KvStep.Duplicate)
        {
            counters.CountDuplicate();
        }

        if (step is KvStep.InOrder or KvStep.Duplicate && fault == KvFault.None)
        {
            source.Sequence = source.Sequence.Taken(message.Number);
        }

        return step;
    }

    /// <summary>Takes a live batch after what comes before it was asked for: what is still missing is given up.
    /// </summary>
    public KvFault TakeLiveAnyway(KvSource source, KvMessage message, KvForgetReason reason)
    {
        var step = source.Sequence.After(message.Number);
        var skippedFrom = message.Number;
        if (step == KvStep.Gap)
        {
            skippedFrom = source.Next;
            if (!TryGiveUp(source, reason))
            {
                return KvFault.BadNumbers;
            }
        }

        if (step is KvStep.Gap or KvStep.StartedInTheMiddle)
        {
            StartAt(source, message.Number, skippedFrom);
        }

        TakeLive(source, message, out var fault);
        return fault;
    }

    /// <summary>Takes a batch out of a replay.</summary>
    public KvFault TakeReplayed(KvSource source, KvMessage message)
    {
        var sequence = source.Sequence;
        if (sequence.IsStarted && message.Number < sequence.Next)
        {
            return KvFault.None;
        }

        if (sequence.IsStarted && message.Number > sequence.Next && !TryGiveUp(source, KvForgetReason.WindowMissed))
        {
            return KvFault.BadNumbers;
        }

        if (!source.Sequence.IsStarted && message.Number > 0)
        {
            StartAt(source, message.Number, message.Number);
        }

        var fault = Deliver(source, message);
        if (fault == KvFault.None)
        {
            source.Sequence = source.Sequence.Replayed(message.Number);
        }

        return fault;
    }

    public void Forget(KvSource source, KvForgetReason reason)
    {
        source.Sequence = default;
        source.LastBatch = 0;
        listener.Forget(source, reason);

        // After it was told, so that whoever sees it counted may rely on it.
        counters.CountForget();
    }

    private bool TryGiveUp(KvSource source, KvForgetReason reason)
    {
        if (!source.TryGiveUp(settings.GapsMax, settings.GapEvery, time))
        {
            return false;
        }

        Forget(source, reason);
        return true;
    }

    /// <summary>What tells a batch from the one of the same number of another process: it begins with its time.
    /// </summary>
    public static ulong Mark(ReadOnlySpan<byte> payload) =>
        Hash64.Of(payload[..Math.Min(payload.Length, SampleBytes)], (ulong)payload.Length);

    private void StartAt(KvSource source, ulong number, ulong skippedFrom)
    {
        listener.Noticed(new KvNotice(KvNoticeKind.StartedInTheMiddle) { Source = source, To = number });
        source.Sequence = KvSequence.StartingAt(number, skippedFrom);
    }

    private KvFault Deliver(KvSource source, KvMessage message)
    {
        var status = KvBatchReader.Open(message.Payload, _buffers, settings.EventLimits, out var batch);
        if (status == KvBatchStatus.Ok)
        {
            source.Rank = batch.Rank >= 0 && source.Topic.Length == 0 ? batch.Rank : source.Rank;
            source.LastBatch = Mark(message.Payload);
            listener.Batch(source, ref batch);
            counters.CountBatch(message.Payload.Length, batch.Blocks, batch.Unknown, batch.Broken);
            if (!batch.IsTruncated)
            {
                return KvFault.None;
            }

            status = KvBatchStatus.TooManyEvents;
        }

        Forget(source, KvForgetReason.Refused);
        return status == KvBatchStatus.TooManyEvents ? KvFault.TooLarge : KvFault.BadBatch;
    }
}
