namespace Penstock.Gateway.Pools;

/// <summary>
/// Ends the pools and replicas that are gone from the configuration, once they have finished what they have: within an
/// hour, and no later than the gateway, whose end waits for all of them. One that cannot be ended in order keeps no
/// other from it. Not thread-safe, but for what goes on inside.
/// </summary>
internal sealed class Retirement(TimeProvider time, FaultBoundary faults) : IAsyncDisposable
{
    private const int SecondsMax = 3600;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _retiring = [];

    /// <summary>The log of a pool goes on until its last request has ended.</summary>
    public void Add(Pool gone) => Add(async () =>
    {
        await WhenFinishedAsync(() => gone.InFlight == 0);
        gone.End();
    });

    /// <summary>A replica of a pool gets nothing new, and its slot can be another's once it has nothing left.</summary>
    public void Add(Replica gone, Pool pool) => Add(async () =>
    {
        gone.Drain();
        try
        {
            await WhenFinishedAsync(() => pool.InFlightAt(gone) == 0);

            // Nothing comes from it after this, so that what it said last is not taken for another's.
            await gone.DisposeAsync();
        }
        finally
        {
            await WhenFinishedAsync(() => pool.TryVacate(gone));
        }
    });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_retiring);
        _stop.Dispose();
    }

    private void Add(Func<Task> retire)
    {
        _retiring.RemoveAll(static t => t.IsCompleted);
        _retiring.Add(faults.StopAsync(retire));
    }

    private async Task WhenFinishedAsync(Func<bool> finished)
    {
        for (var waited = 0; waited < SecondsMax && !finished() && !_stop.IsCancellationRequested; waited++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), time, _stop.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
