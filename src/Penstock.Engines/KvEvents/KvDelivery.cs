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

    /// <summary>Something of use came. True before it is counted: who sees it counted may rely on it.</summary>
    public bool HasDelivered { get; set; }

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

        var fault = step is KvStep.Gap or KvStep.StartedInTheMiddle
            ? StartAt(source, message, skippedFrom)
            : KvFault.None;
        if (fault == KvFault.None)
        {
            TakeLive(source, message, out fault);
        }

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

        var fault = !source.Sequence.IsStarted && message.Number > 0
            ? StartAt(source, message, message.Number)
            : KvFault.None;
        fault = fault == KvFault.None ? Deliver(source, message) : fault;
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

    private KvFault StartAt(KvSource source, KvMessage message, ulong skippedFrom)
    {
        // First, for it says whose it is: that something is missing is then said of the right rank.
        if (Open(source, message, out _) is var status and not KvBatchStatus.Ok)
        {
            return FaultOf(status);
        }

        listener.Noticed(new KvNotice(KvNoticeKind.StartedInTheMiddle) { Source = source, To = message.Number });
        source.Sequence = KvSequence.StartingAt(message.Number, skippedFrom);
        return KvFault.None;
    }

    private KvFault Deliver(KvSource source, KvMessage message)
    {
        var status = Open(source, message, out var batch);
        if (status == KvBatchStatus.Ok)
        {
            source.LastBatch = Mark(message.Payload);
            listener.Batch(source, ref batch);
            HasDelivered = true;
            counters.CountBatch(message.Payload.Length, batch.Blocks, batch.Unknown, batch.Broken);
            if (!batch.IsTruncated)
            {
                return KvFault.None;
            }

            status = KvBatchStatus.TooManyEvents;
        }

        // Where nothing was learned there is nothing to forget, nor may it be known yet of which rank.
        if (source.LastBatch != 0)
        {
            Forget(source, KvForgetReason.Refused);
        }

        source.Sequence = default;
        return FaultOf(status);
    }

    private KvBatchStatus Open(KvSource source, KvMessage message, out KvBatchReader batch)
    {
        var status = KvBatchReader.Open(message.Payload, _buffers, settings.EventLimits, out batch);
        if (status == KvBatchStatus.Ok && batch.Rank >= 0 && source.Topic.Length == 0)
        {
            source.Rank = batch.Rank;
        }

        return status;
    }

    private static KvFault FaultOf(KvBatchStatus status) =>
        status == KvBatchStatus.TooManyEvents ? KvFault.TooLarge : KvFault.BadBatch;
}
