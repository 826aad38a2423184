using Penstock.Wire.KvEvents;

namespace Penstock.Engines.KvEvents;

/// <summary>
/// Learns what publishers say about their caches. Calls for one source never overlap and come in the order of its
/// batches; calls for different sources may overlap. They come from the thread that received the bytes, and hold up
/// that source alone; they must not call the subscription back.
/// </summary>
public interface IKvEventListener
{
    /// <summary>The next batch of a source: in order, without a gap since the last <see cref="Forget"/> of it, each
    /// batch once. The reader is valid during the call; what is left unread is lost.</summary>
    void Batch(KvSource source, ref KvBatchReader batch);

    /// <summary>Nothing that was learned from this source holds now. What comes next starts from nothing.</summary>
    void Forget(KvSource source, KvForgetReason reason);

    /// <summary>An engine pushed its load.</summary>
    void LoadTold(KvSource source, in KvLoad load);

    /// <summary>A bug, of the subscription or of this listener, surfaced. The connection that met it is at its end and
    /// counted as <see cref="KvFault.Internal"/>; it is made again, ever later.</summary>
    void Surfaced(Exception bug);

    /// <summary>Something to tell people; what is known does not change by it.</summary>
    void Noticed(in KvNotice notice);
}
