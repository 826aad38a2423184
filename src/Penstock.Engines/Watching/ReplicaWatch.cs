using System.Numerics;
using Penstock.Core.Primitives;
using Penstock.Core.Replicas;
using Penstock.Engines.Probing;

namespace Penstock.Engines.Watching;

/// <summary>What a watch looks after.</summary>
/// <param name="Name">Unique; spreads the probes of many replicas over time.</param>
/// <param name="Endpoint">Where it is.</param>
/// <param name="Engine">The name of its adapter, or <c>auto</c>.</param>
/// <param name="Thresholds">When it is ejected and trusted again.</param>
public sealed record WatchedReplica(string Name, EngineEndpoint Endpoint, string Engine, HealthThresholds Thresholds);

/// <summary>
/// Watches the health of one replica: waits, probes, takes the next belief from <see cref="ReplicaHealth"/>, tells the
/// listener. One probe is under way at a time, each bounded by the client's limits. Requests report what they saw
/// through <see cref="Observe"/>. Safe from any thread. Dispose stops the loop and waits for its end.
/// </summary>
public sealed class ReplicaWatch : IAsyncDisposable
{
    private const double JitterShare = 0.2;

    /// <summary>Recognitions in a row for which a page was missing; the last of them is taken for what there is to
    /// know. No more than the silent probes that eject.</summary>
    private const int DoubtsMax = 3;

    private readonly WatchedReplica _replica;
    private readonly EngineClient _client;
    private readonly IReplicaListener _listener;
    private readonly Pause _pause;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private ReplicaHealth _health;
    private EngineIdentity? _identity;
    private Rng _rng;
    private Task _loop = Task.CompletedTask;
    private bool _isTold = true;
    private int _doubts;
    private int _probesInDoubt;

    /// <param name="replica">What to watch.</param>
    /// <param name="client">Asks the questions; not owned.</param>
    /// <param name="listener">Learns the answers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="known">What an earlier probe found out; null: the first probe finds out.</param>
    public ReplicaWatch(
        WatchedReplica replica,
        EngineClient client,
        IReplicaListener listener,
        TimeProvider time,
        EngineIdentity? known = null)
    {
        _replica = replica;
        _client = client;
        _listener = listener;
        _pause = new Pause(time);
        _identity = known;
        _rng = new Rng(Hash64.Of(replica.Name));
    }

    /// <summary>What is believed now.</summary>
    public ReplicaHealth Health
    {
        get
        {
            lock (_lock)
            {
                return _health;
            }
        }
    }

    /// <summary>What the engine is; null until it was recognised.</summary>
    public EngineIdentity? Identity => Volatile.Read(ref _identity);

    internal WatchedReplica Replica => _replica;

    internal EngineClient Client => _client;

    /// <summary>Begins to probe, at once. Call once.</summary>
    public void Start() => _loop = RunAsync(_stop.Token);

    /// <summary>Takes evidence from a request that went to the replica.</summary>
    public void Observe(HealthSignal signal)
    {
        if (Change(h => h.After(signal, _replica.Thresholds, _pause.Now)))
        {
            // Another status means another time for the next probe.
            _pause.Wake();
        }
    }

    /// <summary>Stops or resumes new work, whatever its health.</summary>
    public void SetDraining(bool draining) => Change(h => h.WithDraining(draining));

    /// <summary>Tells the listener the belief as it stands, in order with its changes: for one that tells it on to
    /// somebody new.</summary>
    public void Repeat()
    {
        lock (_lock)
        {
            TellHealth(_health);
        }
    }

    internal void TellLoad(LoadReport? report)
    {
        lock (_lock)
        {
            Tell(() => _listener.LoadRead(report, _pause.Now));
        }
    }

    /// <summary>Tells the listener of a bug that surfaced while something was learned of the replica. Not to be called
    /// under a lock that a listener takes.</summary>
    public void TellFault(Exception bug)
    {
        lock (_lock)
        {
            _listener.Faulted(bug, _pause.Now);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var signal = await ProbeAsync(stop);
            var probed = _pause.Now;
            Change(h => h.After(signal, _replica.Thresholds, probed));
            while (await _pause.WaitAsync(UntilDue(probed), stop))
            {
                // Requests changed the belief meanwhile: wait for what is due now.
            }
        }
    }

    private async Task<HealthSignal> ProbeAsync(CancellationToken stop)
    {
        try
        {
            return await AskAsync(stop);
        }
        catch (Exception bug) when (!stop.IsCancellationRequested)
        {
            TellFault(bug);
            return HealthSignal.ProbeFailed;
        }
    }

    private async Task<HealthSignal> AskAsync(CancellationToken stop)
    {
        if (Identity is not { } identity)
        {
            return await IdentifyAsync(stop);
        }

        var signal = await identity.Adapter.CheckHealthAsync(_client, _replica.Endpoint, stop);
        if (signal != HealthSignal.ProbeSucceeded)
        {
            return signal;
        }

        // What comes back after an absence may be another version, or serve another model.
        if (Health.Status == HealthStatus.Unhealthy)
        {
            return await IdentifyAsync(stop);
        }

        if (_doubts > 0)
        {
            await LookAgainAsync(stop);
        }

        return signal;
    }

    /// <summary>Finds out what the engine is. What was found while a page was missing may be wrong, for a busy engine
    /// is late with this or that: it counts as no answer, until it was so a few times in a row.</summary>
    private async Task<HealthSignal> IdentifyAsync(CancellationToken stop)
    {
        var result = await EngineProbe.IdentifyAsync(_client, _replica.Endpoint, _replica.Engine, stop);
        if (result.Identity is not { } found)
        {
            return result.Signal;
        }

        _doubts = result.Missing is null ? 0 : Math.Min(_doubts + 1, DoubtsMax);
        if (_doubts > 0 && (_doubts < DoubtsMax || !found.HasDialect))
        {
            return HealthSignal.ProbeTimedOut;
        }

        Take(found);
        return result.Signal;
    }

    /// <summary>Asks again for what was missing, ever more rarely: a page that never comes must not cost a round of
    /// questions with every probe.</summary>
    private async Task LookAgainAsync(CancellationToken stop)
    {
        if (BitOperations.IsPow2(++_probesInDoubt)
            && await EngineProbe.IdentifyAsync(_client, _replica.Endpoint, _replica.Engine, stop)
                is { Identity: { } found, Missing: null })
        {
            _doubts = 0;
            Take(found);
        }
    }

    private void Take(EngineIdentity found)
    {
        Volatile.Write(ref _identity, found);
        lock (_lock)
        {
            if (Tell(() => _listener.Identified(found, _pause.Now)))
            {
                _probesInDoubt = 0;
            }
            else
            {
                // To be told again.
                _doubts = DoubtsMax;
            }
        }
    }

    private TimeSpan UntilDue(Instant probed)
    {
        lock (_lock)
        {
            var delay = _health.ProbeDelay(_replica.Thresholds);
            var least = _identity?.Adapter.ProbeIntervalMin ?? TimeSpan.Zero;
            var jitter = 1 + (JitterShare * ((2 * _rng.NextDouble()) - 1));

            // An ejection counts from when it happened, so that a probe just due does not undo it at once.
            var from = _health.Status == HealthStatus.Unhealthy && _health.Since > probed ? _health.Since : probed;
            return (delay > least ? delay : least) * jitter - (_pause.Now - from);
        }
    }

    /// <returns>True: the status changed.</returns>
    private bool Change(Func<ReplicaHealth, ReplicaHealth> next)
    {
        lock (_lock)
        {
            var before = _health;
            _health = next(before);
            var isSame = before.Status == _health.Status && before.Draining == _health.Draining;
            if (!isSame || !_isTold)
            {
                TellHealth(before);
            }

            return !isSame;
        }
    }

    /// <summary>A belief that the listener could not take is told again with the next evidence.</summary>
    private void TellHealth(ReplicaHealth before) =>
        _isTold = Tell(() => _listener.HealthChanged(before, _health, _pause.Now));

    /// <summary>A listener that fails must not end the watch, nor the request that reported something.</summary>
    private bool Tell(Action tell)
    {
        try
        {
            tell();
            return true;
        }
#pragma warning disable CA1031 // Whatever the bug: it is told as one, and the watch goes on.
        catch (Exception bug)
#pragma warning restore CA1031
        {
            _listener.Faulted(bug, _pause.Now);
            return false;
        }
    }
}
