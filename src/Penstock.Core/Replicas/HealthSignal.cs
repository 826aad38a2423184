namespace Penstock.Core.Replicas;

/// <summary>One piece of evidence about a replica: from a probe, or from a request that went there.</summary>
public enum HealthSignal : byte
{
    /// <summary>A probe was answered as a healthy engine answers it.</summary>
    ProbeSucceeded,

    /// <summary>A probe was answered, and the answer says that the engine is not well.</summary>
    ProbeFailed,

    /// <summary>A probe got no answer in time: weaker than a failed one, for busy engines may be slow.</summary>
    ProbeTimedOut,

    /// <summary>No connection could be made: nothing listens there, or the handshake failed.</summary>
    ConnectFailed,

    /// <summary>A request was answered in full, or was refused for a reason that is not the engine's.</summary>
    RequestSucceeded,

    /// <summary>The engine answered a request with a failure of its own, cut it off, or fell silent in it.</summary>
    RequestFailed,

    /// <summary>The engine refused for lack of room (429, 503 with a queue, 529): it is alive and full.</summary>
    RequestRefusedBusy,
}
