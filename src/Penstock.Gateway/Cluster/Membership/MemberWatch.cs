using Microsoft.Extensions.Logging;

namespace Penstock.Gateway.Cluster.Membership;

/// <summary>
/// Keeps this gateway entered in the store and the book up to date. A store that is slow or gone changes nothing for
/// <see cref="MemberTimes.Grace"/>; after that, members that no stream reaches are given up.
/// </summary>
internal sealed class MemberWatch(
    IMemberStore store, ClusterSelf self, MemberBook book, TimeProvider time, ILogger log) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private bool _entered;
    private bool? _answers;
    private bool _nameTaken;

    /// <summary>The store answered the last call; null before the first.</summary>
    public bool? Answers => _answers;

    /// <summary>Since it last answered.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Volatile.Read(ref _answeredAt));

    private long _answeredAt = time.GetTimestamp();

    public void Start() => _running = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        if (_answers == true)
        {
            using var patience = new CancellationTokenSource(PeerTimes.LeaveWithin, time);
            try
            {
                await store.LeaveAsync(self, patience.Token);
            }
#pragma warning disable CA1031 // The others will find out by its silence.
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }

        await store.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await BeatAsync();
                if (await store.WaitForNewsAsync(MemberTimes.BeatEvery, _stop.Token))
                {
                    await Task.Delay(MemberTimes.Rest, time, _stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever the store throws: it is gone, and is tried again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                await MissedAsync(e);
            }
        }
    }

    private async Task BeatAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var beat = store.BeatAsync(self, _entered, patience.Token);
        MemberRoll roll;
        try
        {
            roll = await beat.WaitAsync(MemberTimes.CallWithin, time, _stop.Token);
        }
        catch
        {
            // The next call may come only when this one is over.
            await patience.CancelAsync();
            await beat.ContinueWith(static _ => { }, TaskScheduler.Default);
            throw;
        }

        Volatile.Write(ref _answeredAt, time.GetTimestamp());
        if (roll.Epoch is { } epoch)
        {
            _entered = true;
            self.Epoch = epoch;
        }

        if (roll.Epoch is null && !_nameTaken)
        {
            ClusterLog.NameTaken(log, self.Node);
        }

        _nameTaken = roll.Epoch is null;
        if (_answers != true)
        {
            _answers = true;
            ClusterLog.DatabaseBack(log, self.Node, self.Epoch);
        }

        book.Find(roll.Members);
    }

    private async Task MissedAsync(Exception why)
    {
        if (_answers != false)
        {
            _answers = false;
            ClusterLog.DatabaseGone(log, why.Message);
        }

        if (Silence > MemberTimes.Grace)
        {
            book.Doubt();
        }

        try
        {
#pragma warning disable CA5394 // Not a secret: it spreads the tries of many gateways.
            await Task.Delay(MemberTimes.BeatEvery * (0.5 + (Random.Shared.NextDouble() / 2)), time, _stop.Token);
#pragma warning restore CA5394
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}
