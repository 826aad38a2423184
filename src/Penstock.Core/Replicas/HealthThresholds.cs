namespace Penstock.Core.Replicas;

/// <summary>
/// When a replica is suspected, ejected, tried again and trusted. The gap between what ejects and what reinstates is
/// the hysteresis: one good or bad moment never flips a replica between serving and not serving.
/// </summary>
public sealed record HealthThresholds
{
    public static HealthThresholds Default { get; } = new();

    /// <summary>Failed or silent probes in a row that eject; at least 1.</summary>
    public int ProbeFailuresMax { get; init; } = 3;

    /// <summary>Failed requests in a row that eject; at least 1.</summary>
    public int RequestFailuresMax { get; init; } = 5;

    /// <summary>Failed connects in a row that eject at once, without waiting for probes; at least 1.</summary>
    public int ConnectFailuresMax { get; init; } = 2;

    /// <summary>Successes in a row that clear suspicion; at least 1.</summary>
    public int SuccessesToClear { get; init; } = 2;

    /// <summary>Successes in a row that end probation; at least 1. The probe that began it counts.</summary>
    public int SuccessesToRecover { get; init; } = 3;

    /// <summary>Requests at a time on a replica on probation; at least 1.</summary>
    public int ProbationInFlightMax { get; init; } = 2;

    /// <summary>Between probes of a replica that is well.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Between probes of one that is suspected, on probation or new.</summary>
    public TimeSpan CloseLookInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Before the first probe of an ejected one; doubles with each failed probe and each ejection.</summary>
    public TimeSpan ReprobeDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest delay between probes of an ejected one.</summary>
    public TimeSpan ReprobeDelayMax { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A replica that was well this long starts again from the shortest delay at its next ejection.</summary>
    public TimeSpan ForgiveAfter { get; init; } = TimeSpan.FromMinutes(2);
}
