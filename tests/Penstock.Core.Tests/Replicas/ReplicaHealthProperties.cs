using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;
using Penstock.Core.Replicas;

namespace Penstock.Core.Tests.Replicas;

/// <summary>What holds after any sequence of signals, with any sensible thresholds.</summary>
public class ReplicaHealthProperties
{
    private static readonly HealthSignal[] Signals = Enum.GetValues<HealthSignal>();

    private static readonly Gen<HealthThresholds> Thresholds =
        from probes in Gen.Choose(2, 5)
        from requests in Gen.Choose(2, 6)
        from connects in Gen.Choose(2, 4)
        from clear in Gen.Choose(1, 4)
        from recover in Gen.Choose(2, 5)
        select new HealthThresholds
        {
            ProbeFailuresMax = probes,
            RequestFailuresMax = requests,
            ConnectFailuresMax = connects,
            SuccessesToClear = clear,
            SuccessesToRecover = recover,
        };

    private static readonly Arbitrary<(HealthThresholds Limits, HealthSignal[] Seen)> Histories = Arb.From(
        from limits in Thresholds
        from length in Gen.Choose(0, 60)
        from seen in Gen.ArrayOf(Gen.Elements(Signals), length)
        select (limits, seen));

    [Fact]
    public void No_single_signal_flips_a_replica_between_full_service_and_none() => Holds((_, before, _, after) =>
        !(before.Status == HealthStatus.Healthy && !after.IsRoutable)
        && !(before.Status == HealthStatus.Unhealthy && after.Status is HealthStatus.Healthy or HealthStatus.Suspect));

    [Fact]
    public void Only_a_successful_probe_ends_an_ejection() => Holds((limits, before, signal, after) =>
        before.Status != HealthStatus.Unhealthy || after.Status == HealthStatus.Unhealthy
        || signal == HealthSignal.ProbeSucceeded);

    [Fact]
    public void Success_and_fullness_never_make_matters_worse() => Holds((limits, before, signal, after) =>
        signal is not (HealthSignal.ProbeSucceeded or HealthSignal.RequestSucceeded or HealthSignal.RequestRefusedBusy)
        || after.InFlightMax(limits) >= before.InFlightMax(limits));

    [Fact]
    public void Failure_never_makes_matters_better() => Holds((limits, before, signal, after) =>
        signal is HealthSignal.ProbeSucceeded or HealthSignal.RequestSucceeded or HealthSignal.RequestRefusedBusy
        || after.InFlightMax(limits) <= before.InFlightMax(limits));

    [Fact]
    public void Delays_stay_within_their_bounds() => Holds((limits, before, signal, after) =>
        after.ProbeDelay(limits) > TimeSpan.Zero && after.ProbeDelay(limits) <= limits.ReprobeDelayMax);

    [Fact]
    public void Only_an_ejected_replica_or_one_on_probation_has_a_cause() => Holds((limits, before, signal, after) =>
        (after.Cause != EjectionCause.None)
        == (after.Status is HealthStatus.Unhealthy or HealthStatus.Recovering));

    [Fact]
    public void Enough_successes_of_both_kinds_always_heal() => Prop.ForAll(Histories, history =>
    {
        var health = Play(history.Limits, history.Seen);
        for (var i = 0; i < 12; i++)
        {
            health = health.After(HealthSignal.ProbeSucceeded, history.Limits, Instant.Zero)
                .After(HealthSignal.RequestSucceeded, history.Limits, Instant.Zero);
        }

        return health.Status == HealthStatus.Healthy;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Enough_failed_connects_always_eject() => Prop.ForAll(Histories, history =>
    {
        var health = Play(history.Limits, history.Seen);
        for (var i = 0; i < history.Limits.ConnectFailuresMax; i++)
        {
            health = health.After(HealthSignal.ConnectFailed, history.Limits, Instant.Zero);
        }

        return health.Status == HealthStatus.Unhealthy;
    }).QuickCheckThrowOnFailure();

    private static void Holds(Func<HealthThresholds, ReplicaHealth, HealthSignal, ReplicaHealth, bool> rule) =>
        Prop.ForAll(Histories, history =>
        {
            var before = default(ReplicaHealth);
            foreach (var signal in history.Seen)
            {
                var after = before.After(signal, history.Limits, Instant.Zero);
                if (!rule(history.Limits, before, signal, after))
                {
                    return false;
                }

                before = after;
            }

            return true;
        }).QuickCheckThrowOnFailure();

    private static ReplicaHealth Play(HealthThresholds limits, IEnumerable<HealthSignal> signals) =>
        signals.Aggregate(default(ReplicaHealth), (health, signal) => health.After(signal, limits, Instant.Zero));
}
