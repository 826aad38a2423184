using Penstock.Core.Primitives;

namespace Penstock.Core.Replicas;

/// <summary>
/// What is believed of one replica, as a value: evidence in, the next belief out. The zero value is a replica of
/// which nothing is known. Not thread-safe by itself: its owner replaces it whole.
/// </summary>
/// <remarks>
/// Probes and requests are counted apart, so that a replica whose health page answers while its requests fail is
/// still ejected. What ejected a replica has to clear it: one that failed requests stays on probation until requests
/// succeed. A request that succeeds also clears silent probes (a busy engine may answer late), but not failed ones.
/// </remarks>
public readonly record struct ReplicaHealth
{
    private const int DoublingsMax = 16;

    public HealthStatus Status { get; private init; }

    /// <summary>What ejected it, while it is ejected or on probation.</summary>
    public EjectionCause Cause { get; private init; }

    /// <summary>When <see cref="Status"/> was entered.</summary>
    public Instant Since { get; private init; }

    /// <summary>Failed probes in a row.</summary>
    public int ProbeFailures { get; private init; }

    /// <summary>Probes in a row without an answer.</summary>
    public int ProbeTimeouts { get; private init; }

    /// <summary>Failed requests in a row.</summary>
    public int RequestFailures { get; private init; }

    /// <summary>Failed connects in a row, whether of probes or requests.</summary>
    public int ConnectFailures { get; private init; }

    /// <summary>Successes that count towards leaving <see cref="Status"/>.</summary>
    public int Successes { get; private init; }

    /// <summary>Ejections that are not yet forgiven.</summary>
    public int Ejections { get; private init; }

    /// <summary>Probes that failed since the last ejection.</summary>
    public int FailedReprobes { get; private init; }

    /// <summary>It takes no new work because the operator said so; whatever its health.</summary>
    public bool Draining { get; private init; }

    /// <summary>New requests may go there.</summary>
    public bool IsRoutable => !Draining && Status != HealthStatus.Unhealthy;

    /// <summary>Requests that it may have in flight: none, a few on probation, or any number.</summary>
    public int InFlightMax(HealthThresholds thresholds) => !IsRoutable ? 0
        : Status == HealthStatus.Recovering ? thresholds.ProbationInFlightMax
        : int.MaxValue;

    /// <summary>How long to wait before the next probe, without jitter.</summary>
    public TimeSpan ProbeDelay(HealthThresholds thresholds)
    {
        if (Status == HealthStatus.Healthy)
        {
            return thresholds.ProbeInterval;
        }

        if (Status != HealthStatus.Unhealthy)
        {
            return thresholds.CloseLookInterval;
        }

        var doublings = Math.Min(FailedReprobes + Math.Max(Ejections - 1, 0), DoublingsMax);
        var delay = thresholds.ReprobeDelay.Ticks * (1L << doublings);
        return TimeSpan.FromTicks(Math.Min(delay, thresholds.ReprobeDelayMax.Ticks));
    }

    /// <summary>The same replica told to take no new work, or to take it again.</summary>
    public ReplicaHealth WithDraining(bool draining) => this with { Draining = draining };

    /// <summary>The belief after one more piece of evidence.</summary>
    public ReplicaHealth After(HealthSignal signal, HealthThresholds thresholds, Instant now) => Status switch
    {
        HealthStatus.Unhealthy => WhileEjected(signal, now),
        HealthStatus.Recovering => OnProbation(signal, thresholds, now),
        _ => WhileServing(signal, thresholds, now),
    };

    private ReplicaHealth WhileServing(HealthSignal signal, HealthThresholds thresholds, Instant now)
    {
        var counted = Count(signal);
        if (IsSuccess(signal))
        {
            return counted.Cleared(thresholds, now);
        }

        if (signal == HealthSignal.RequestRefusedBusy)
        {
            return counted;
        }

        counted = counted with { Successes = 0 };
        var cause = counted.CauseToEject(thresholds);
        if (cause != EjectionCause.None)
        {
            return counted.Ejected(cause, thresholds, now);
        }

        return Status == HealthStatus.Suspect ? counted : counted.Enter(HealthStatus.Suspect, now);
    }

    /// <summary>Late answers to requests sent before the ejection prove nothing: only probes count.</summary>
    private ReplicaHealth WhileEjected(HealthSignal signal, Instant now) => signal switch
    {
        HealthSignal.ProbeSucceeded => Enter(HealthStatus.Recovering, now) with
        {
            Successes = Cause == EjectionCause.Requests ? 0 : 1,
            ProbeFailures = 0,
            ProbeTimeouts = 0,
            RequestFailures = 0,
            ConnectFailures = 0,
        },
        HealthSignal.ProbeFailed or HealthSignal.ProbeTimedOut or HealthSignal.ConnectFailed =>
            this with { FailedReprobes = Math.Min(FailedReprobes + 1, DoublingsMax) },
        _ => this,
    };

    private ReplicaHealth OnProbation(HealthSignal signal, HealthThresholds thresholds, Instant now)
    {
        if (signal == HealthSignal.RequestRefusedBusy)
        {
            return this;
        }

        if (!IsSuccess(signal))
        {
            return Count(signal).Ejected(CauseOf(signal), thresholds, now);
        }

        var counts = Cause != EjectionCause.Requests || signal == HealthSignal.RequestSucceeded;
        var successes = counts ? Successes + 1 : Successes;
        return successes >= thresholds.SuccessesToRecover
            ? Enter(HealthStatus.Healthy, now) with { Cause = EjectionCause.None, Successes = 0 }
            : this with { Successes = successes };
    }

    private ReplicaHealth Cleared(HealthThresholds thresholds, Instant now)
    {
        if (Status == HealthStatus.Healthy)
        {
            return Ejections > 0 && now - Since >= thresholds.ForgiveAfter ? this with { Ejections = 0 } : this;
        }

        // The evidence that raised the suspicion must be gone too: a good health page does not excuse bad answers.
        var clear = ProbeFailures + ProbeTimeouts + RequestFailures + ConnectFailures == 0;
        var successes = Math.Min(Successes + 1, thresholds.SuccessesToClear);
        return clear && (Status == HealthStatus.Unknown || successes >= thresholds.SuccessesToClear)
            ? Enter(HealthStatus.Healthy, now) with { Successes = 0 }
            : this with { Successes = successes };
    }

    private ReplicaHealth Ejected(EjectionCause cause, HealthThresholds thresholds, Instant now)
    {
        var forgiven = Status == HealthStatus.Healthy && now - Since >= thresholds.ForgiveAfter;
        return Enter(HealthStatus.Unhealthy, now) with
        {
            Cause = cause,
            Successes = 0,
            FailedReprobes = 0,
            Ejections = Math.Min((forgiven ? 0 : Ejections) + 1, DoublingsMax),
        };
    }

    private EjectionCause CauseToEject(HealthThresholds thresholds) =>
        ConnectFailures >= thresholds.ConnectFailuresMax ? EjectionCause.Connect
        : ProbeFailures + ProbeTimeouts >= thresholds.ProbeFailuresMax ? EjectionCause.Probes
        : RequestFailures >= thresholds.RequestFailuresMax ? EjectionCause.Requests
        : EjectionCause.None;

    private ReplicaHealth Count(HealthSignal signal) => signal switch
    {
        HealthSignal.ProbeSucceeded => this with { ProbeFailures = 0, ProbeTimeouts = 0, ConnectFailures = 0 },
        HealthSignal.ProbeFailed => this with { ProbeFailures = ProbeFailures + 1, ConnectFailures = 0 },
        HealthSignal.ProbeTimedOut => this with { ProbeTimeouts = ProbeTimeouts + 1 },
        HealthSignal.ConnectFailed => this with { ConnectFailures = ConnectFailures + 1 },
        HealthSignal.RequestSucceeded => this with { RequestFailures = 0, ProbeTimeouts = 0, ConnectFailures = 0 },
        HealthSignal.RequestFailed => this with { RequestFailures = RequestFailures + 1, ConnectFailures = 0 },
        HealthSignal.RequestRefusedBusy => this with { ProbeTimeouts = 0, ConnectFailures = 0 },
        _ => this,
    };

    private ReplicaHealth Enter(HealthStatus status, Instant now) => this with { Status = status, Since = now };

    private static bool IsSuccess(HealthSignal signal) =>
        signal is HealthSignal.ProbeSucceeded or HealthSignal.RequestSucceeded;

    private static EjectionCause CauseOf(HealthSignal signal) => signal switch
    {
        HealthSignal.ConnectFailed => EjectionCause.Connect,
        HealthSignal.RequestFailed => EjectionCause.Requests,
        _ => EjectionCause.Probes,
    };
}
