namespace Penstock.Wire.KvEvents;

/// <summary>What came of opening a batch.</summary>
public enum KvBatchStatus : byte
{
    Ok,

    /// <summary>Not one whole MessagePack value: cut, trailed by something, or no MessagePack at all. Nothing of it was
    /// handed out.</summary>
    Malformed,

    /// <summary>Well-formed, but not a batch of events.</summary>
    NotABatch,

    /// <summary>More events than allowed.</summary>
    TooManyEvents,
}
