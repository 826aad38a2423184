namespace Penstock.Engines.KvEvents;

/// <summary>Why what was learned from a source is void.</summary>
public enum KvForgetReason : byte
{
    /// <summary>The engine was restarted: its cache is empty.</summary>
    Restarted,

    /// <summary>Batches were lost, and there is nowhere to ask for them.</summary>
    NoReplay,

    /// <summary>Batches were lost, and the publisher no longer has them.</summary>
    WindowMissed,

    /// <summary>Batches were lost, and asking for them failed or took too long.</summary>
    ReplayFailed,

    /// <summary>A batch could not be read, or held more than allowed.</summary>
    Refused,
}
