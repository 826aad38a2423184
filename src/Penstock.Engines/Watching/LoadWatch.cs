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
    private long _askedAt;
    private bool _hadWaiting;

    /// <summary>A request that ends now makes what was told stale, and that was told long enough ago.</summary>
    internal bool IsStale =>
        (_pace.Interval > LoadPace.Shortest || Volatile.Read(ref _hadWaiting))
        && time.GetElapsedTime(Interlocked.Read(ref _askedAt)) >= LoadPace.Soonest;

    /// <summary>Begins to ask. Call once.</summary>
    public void Start() => _loop = RunAsync(_stop.Token);

    /// <summary>
    /// Asks soon, where a request that ended there makes the last answer stale: the replica was taken for idle, or it
    /// told of waiting requests, of which one has begun now. Never sooner than <see cref="LoadPace.Soonest"/> after
    /// the last question, however many requests end.
    /// </summary>
    public void AskSoon()
    {
        if (IsStale)
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
                Interlocked.Exchange(ref _askedAt, time.GetTimestamp());
                var report = await AskAsync(identity, stop);
                _pace = _pace.After(report);
                Volatile.Write(ref _hadWaiting, report?.Waiting > 0);
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
