using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;

namespace Penstock.Gateway.Ledger;

/// <summary>One try of a request on one replica: the identity of a ledger entry.</summary>
/// <param name="RequestId">A version 7 GUID, so that entries sort by time.</param>
/// <param name="Attempt">1 for the first try.</param>
internal readonly record struct AttemptKey(Guid RequestId, int Attempt);

/// <summary>
/// What is known before the first byte of an attempt goes to an engine. Texts longer than
/// <see cref="RecordCodec.TextBytesMax"/> bytes of UTF-8 are cut.
/// </summary>
internal readonly record struct AdmissionRecord
{
    public required AttemptKey Key { get; init; }

    /// <summary>When the attempt was admitted; the report's day is this time's UTC day.</summary>
    public required DateTimeOffset At { get; init; }

    public required string KeyId { get; init; }

    public required string Org { get; init; }

    public required string Workspace { get; init; }

    /// <summary>The id of the model, not the alias that the client may have named.</summary>
    public required string Model { get; init; }

    public required string Pool { get; init; }

    public required string Replica { get; init; }

    public required Dialect Dialect { get; init; }

    public required bool Stream { get; init; }

    public required long PromptTokensEstimate { get; init; }

    /// <summary>The most that the answer may take.</summary>
    public required long OutputTokensMax { get; init; }
}

/// <summary>How an attempt ended. The numbers are written to disk: never change them.</summary>
internal enum AttemptOutcome
{
    /// <summary>The whole answer was relayed.</summary>
    Completed = 1,

    /// <summary>The client went away first.</summary>
    ClientGone = 2,

    /// <summary>The engine failed, cut the connection or broke its protocol.</summary>
    EngineFailed = 3,

    /// <summary>The engine did not answer in time.</summary>
    EngineTimeout = 4,

    /// <summary>The engine answered with an error of the caller's making, or had no room.</summary>
    RefusedByEngine = 5,

    /// <summary>Ended by the gateway: a deadline, a drain, a bug.</summary>
    Aborted = 6,

    /// <summary>Admitted, but no byte reached an engine.</summary>
    NotReached = 7,

    /// <summary>The gateway was killed in between; written at the next start.</summary>
    ProcessDied = 8,
}

/// <summary>How an attempt ended and what it used, known before the last byte goes to the client.</summary>
internal readonly record struct SettlementRecord
{
    public required AttemptKey Key { get; init; }

    public required DateTimeOffset At { get; init; }

    public required AttemptOutcome Outcome { get; init; }

    /// <summary>The status that the engine answered; 0 where it did not answer.</summary>
    public required int HttpStatus { get; init; }

    public required TokenUsage Usage { get; init; }

    /// <summary>True where the engine did not report the usage.</summary>
    public required bool UsageIsEstimated { get; init; }

    /// <summary>What the organisation owes; null where the model has no price.</summary>
    public Money? Price { get; init; }

    /// <summary>What the provider is owed; null where that is not known.</summary>
    public Money? Cost { get; init; }

    /// <summary>From admission to the first byte of the answer; null where none came.</summary>
    public TimeSpan? FirstByteAfter { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>Names the routing decision; empty where there was none.</summary>
    public required string DecisionId { get; init; }

    public required long RequestBytes { get; init; }

    public required long ResponseBytes { get; init; }
}
