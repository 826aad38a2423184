namespace Penstock.Engines.Watching;

/// <summary>
/// Asks one replica for its load, one question at a time, at the pace of <see cref="LoadPace"/>, and only while it is
/// known what it is and it may get requests. Tells the listener of the replica's <see cref="ReplicaWatch"/>. Safe from
/// any thread. Dispose stops the loop and waits for its end.
/// </summary>
public sealed class LoadWatch(ReplicaWatch replica, TimeProvider time) : IAsyncDisposable
{
    private readonly Pause _pause = new(time);
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private LoadPace _pace = LoadPace.Start;

    /// <summary>Begins to ask. Call once.</summary>
    public void Start() => _loop = RunAsync(_stop.Token);

    /// <summary>Asks soon: work went to a replica that was idle.</summary>
    public void AskSoon()
    {
        if (_pace.Interval > LoadPace.Shortest)
        {
            _pause.Wake();
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
            await _pause.WaitAsync(_pace.Interval, stop);
            if (replica.Identity is { Adapter.TellsLoad: true } identity && replica.Health.IsRoutable)
            {
                var report = await AskAsync(identity, stop);
                _pace = _pace.After(report);
                replica.TellLoad(report);
            }
        }
    }

    private async Task<LoadReport?> AskAsync(EngineIdentity identity, CancellationToken stop)
    {
        using var timer = new CancellationTokenSource(identity.Adapter.LoadTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stop);
        try
        {
            return await identity.Adapter.ReadLoadAsync(
                replica.Client, replica.Replica.Endpoint, identity, either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception bug) when (!stop.IsCancellationRequested)
        {
            replica.TellFault(bug);
            return null;
        }
    }
}
