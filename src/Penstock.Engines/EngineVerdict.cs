using Penstock.Core.Outcomes;
using Penstock.Core.Replicas;

namespace Penstock.Engines;

/// <summary>What follows from how an engine answered, or failed to answer, one request.</summary>
/// <param name="Kind">What went wrong; null: nothing.</param>
/// <param name="Evidence">What it says about the replica's health; null: nothing.</param>
/// <param name="RetryElsewhere">The same request may do better on another replica. Only before the first byte of an
/// answer went to the client, and within the retry budget.</param>
/// <param name="RelayBody">The engine's status and body are meant for the client and, in its own dialect, go to it
/// byte for byte. Else the gateway answers in its own words: what the engine said concerns the gateway.</param>
public readonly record struct EngineVerdict(
    FailureKind? Kind, HealthSignal? Evidence, bool RetryElsewhere, bool RelayBody)
{
    /// <summary>A whole answer, as asked.</summary>
    public static EngineVerdict Success { get; } = new(null, HealthSignal.RequestSucceeded, false, true);

    /// <summary>No connection could be made.</summary>
    public static EngineVerdict Unreachable { get; } =
        new(FailureKind.EngineFailed, HealthSignal.ConnectFailed, true, false);

    /// <summary>The connection broke before the answer was complete, or what came was no HTTP.</summary>
    public static EngineVerdict Broken { get; } =
        new(FailureKind.EngineFailed, HealthSignal.RequestFailed, true, false);

    /// <summary>A watchdog gave up: no first byte in time, or silence inside the answer.</summary>
    public static EngineVerdict Silent { get; } =
        new(FailureKind.EngineTimeout, HealthSignal.RequestFailed, true, false);

    /// <summary>The client went away first: nobody's fault.</summary>
    public static EngineVerdict ClientGone { get; } = new(FailureKind.ClientClosed, null, false, false);

    /// <summary>The request was wrong; the engine did its part.</summary>
    public static EngineVerdict ClientFault(FailureKind kind, bool relayBody = true) =>
        new(kind, HealthSignal.RequestSucceeded, false, relayBody);

    /// <summary>The engine is alive and full.</summary>
    public static EngineVerdict Full { get; } =
        new(FailureKind.Overloaded, HealthSignal.RequestRefusedBusy, true, false);

    /// <summary>The engine failed by its own account.</summary>
    public static EngineVerdict Failed { get; } = Broken;

    /// <summary>
    /// The gateway's own credential or settings are wrong for this engine. It counts against the replica: one that
    /// refuses everything does so quickly, and would draw all traffic to it.
    /// </summary>
    public static EngineVerdict Misconfigured { get; } =
        new(FailureKind.Internal, HealthSignal.RequestFailed, true, false);

    public bool IsSuccess => Kind is null;

    /// <summary>Who it is to be laid at.</summary>
    public Blame Blame => Kind is { } kind ? new Failure(kind, "").Blame : Blame.None;
}
