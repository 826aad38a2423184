using Penstock.Core.Primitives;
using Penstock.Core.Replicas;

namespace Penstock.Core.Tests.Replicas;

public class ReplicaHealthTests
{
    private static readonly HealthThresholds Limits = HealthThresholds.Default;

    [Fact]
    public void A_new_replica_is_routable_and_one_success_makes_it_healthy()
    {
        Assert.True(default(ReplicaHealth).IsRoutable);
        Assert.Equal(HealthStatus.Healthy, After(default, HealthSignal.ProbeSucceeded).Status);
    }

    [Fact]
    public void Failed_probes_suspect_a_replica_first_and_then_eject_it()
    {
        var health = Healthy();
        health = After(health, HealthSignal.ProbeFailed);
        Assert.Equal(HealthStatus.Suspect, health.Status);
        health = After(health, HealthSignal.ProbeFailed);
        Assert.True(health.IsRoutable);
        health = After(health, HealthSignal.ProbeFailed);
        Assert.Equal((HealthStatus.Unhealthy, EjectionCause.Probes), (health.Status, health.Cause));
        Assert.False(health.IsRoutable);
        Assert.Equal(0, health.InFlightMax(Limits));
    }

    [Fact]
    public void Suspicion_clears_only_after_several_successes()
    {
        var health = After(Healthy(), HealthSignal.ProbeFailed, HealthSignal.ProbeSucceeded);
        Assert.Equal(HealthStatus.Suspect, health.Status);
        Assert.Equal(HealthStatus.Healthy, After(health, HealthSignal.ProbeSucceeded).Status);
    }

    [Fact]
    public void Two_refused_connections_in_a_row_eject_at_once()
    {
        var health = After(Healthy(), HealthSignal.ConnectFailed, HealthSignal.ConnectFailed);
        Assert.Equal((HealthStatus.Unhealthy, EjectionCause.Connect), (health.Status, health.Cause));
    }

    [Fact]
    public void A_good_health_page_does_not_save_a_replica_whose_requests_fail()
    {
        var health = Healthy();
        for (var i = 0; i < Limits.RequestFailuresMax; i++)
        {
            health = After(health, HealthSignal.ProbeSucceeded, HealthSignal.RequestFailed);
        }

        Assert.Equal((HealthStatus.Unhealthy, EjectionCause.Requests), (health.Status, health.Cause));
    }

    [Fact]
    public void What_failed_requests_stays_on_probation_until_requests_succeed()
    {
        var health = After(Ejected(EjectionCause.Requests), [.. Enumerable.Repeat(HealthSignal.ProbeSucceeded, 10)]);
        Assert.Equal(HealthStatus.Recovering, health.Status);
        Assert.Equal(Limits.ProbationInFlightMax, health.InFlightMax(Limits));
        health = After(health, [.. Enumerable.Repeat(HealthSignal.RequestSucceeded, Limits.SuccessesToRecover)]);
        Assert.Equal(HealthStatus.Healthy, health.Status);
        Assert.Equal(int.MaxValue, health.InFlightMax(Limits));
    }

    [Fact]
    public void What_failed_probes_recovers_by_probes_alone()
    {
        var health = After(Ejected(EjectionCause.Probes), HealthSignal.ProbeSucceeded, HealthSignal.ProbeSucceeded);
        Assert.Equal(HealthStatus.Recovering, health.Status);
        Assert.Equal(HealthStatus.Healthy, After(health, HealthSignal.ProbeSucceeded).Status);
    }

    [Fact]
    public void A_failure_on_probation_ejects_again_and_doubles_the_delay()
    {
        var health = Ejected(EjectionCause.Probes);
        var first = health.ProbeDelay(Limits);
        health = After(health, HealthSignal.ProbeSucceeded, HealthSignal.RequestFailed);
        Assert.Equal((HealthStatus.Unhealthy, EjectionCause.Requests), (health.Status, health.Cause));
        Assert.Equal(first * 2, health.ProbeDelay(Limits));
    }

    [Fact]
    public void Requests_that_succeed_excuse_silent_probes_but_not_failed_ones()
    {
        var silent = Healthy();
        var failed = Healthy();
        for (var i = 0; i < Limits.ProbeFailuresMax; i++)
        {
            silent = After(silent, HealthSignal.RequestSucceeded, HealthSignal.ProbeTimedOut);
            failed = After(failed, HealthSignal.RequestSucceeded, HealthSignal.ProbeFailed);
        }

        Assert.True(silent.IsRoutable);
        Assert.False(failed.IsRoutable);
    }

    [Fact]
    public void Late_answers_to_old_requests_do_not_reinstate_an_ejected_replica()
    {
        var ejected = Ejected(EjectionCause.Connect);
        Assert.Equal(ejected, After(ejected, HealthSignal.RequestSucceeded, HealthSignal.RequestFailed));
    }

    [Fact]
    public void A_replica_that_was_well_for_long_is_forgiven()
    {
        var health = After(Ejected(EjectionCause.Probes), HealthSignal.ProbeSucceeded, HealthSignal.ProbeFailed);
        Assert.Equal(2, health.Ejections);
        health = After(health, HealthSignal.ProbeSucceeded, HealthSignal.ProbeSucceeded, HealthSignal.ProbeSucceeded);
        var later = Instant.Zero + Limits.ForgiveAfter + TimeSpan.FromSeconds(1);
        Assert.Equal(0, health.After(HealthSignal.ProbeSucceeded, Limits, later).Ejections);
    }

    [Fact]
    public void Delays_of_an_ejected_replica_double_up_to_their_bound()
    {
        var health = Ejected(EjectionCause.Probes);
        var before = health.ProbeDelay(Limits);
        Assert.Equal(Limits.ReprobeDelay, before);
        health = After(health, HealthSignal.ConnectFailed);
        Assert.Equal(before * 2, health.ProbeDelay(Limits));
        health = After(health, [.. Enumerable.Repeat(HealthSignal.ProbeFailed, 100)]);
        Assert.Equal(Limits.ReprobeDelayMax, health.ProbeDelay(Limits));
    }

    [Fact]
    public void Draining_stops_new_work_and_changes_no_belief()
    {
        var draining = Healthy().WithDraining(true);
        Assert.False(draining.IsRoutable);
        Assert.Equal(HealthStatus.Healthy, draining.Status);
        Assert.True(After(draining, HealthSignal.ProbeFailed).Draining);
        Assert.True(draining.WithDraining(false).IsRoutable);
    }

    internal static ReplicaHealth Healthy() => After(default, HealthSignal.ProbeSucceeded);

    internal static ReplicaHealth Ejected(EjectionCause cause) => After(Healthy(), cause switch
    {
        EjectionCause.Connect => [HealthSignal.ConnectFailed, HealthSignal.ConnectFailed],
        EjectionCause.Requests => [.. Enumerable.Repeat(HealthSignal.RequestFailed, Limits.RequestFailuresMax)],
        _ => [.. Enumerable.Repeat(HealthSignal.ProbeFailed, Limits.ProbeFailuresMax)],
    });

    internal static ReplicaHealth After(ReplicaHealth health, params ReadOnlySpan<HealthSignal> signals)
    {
        foreach (var signal in signals)
        {
            health = health.After(signal, Limits, Instant.Zero);
        }

        return health;
    }
}
