using System.Threading.Channels;
using Penstock.Core.Primitives;

namespace Penstock.Engines.Watching;

/// <summary>A wait that ends when its time is up or when somebody has a reason to go on sooner.</summary>
internal sealed class Pause(TimeProvider time)
{
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>The time on the clock of the watches: nanoseconds of the provider's timestamp.</summary>
    public Instant Now => new(time.GetElapsedTime(0).Ticks * 100);

    /// <summary>Ends the wait under way, or the next one.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <returns>True: woken before the time was up.</returns>
    /// <exception cref="OperationCanceledException">Cancelled by the caller.</exception>
    public async Task<bool> WaitAsync(TimeSpan delay, CancellationToken cancel)
    {
        if (delay <= TimeSpan.Zero)
        {
            cancel.ThrowIfCancellationRequested();
            return false;
        }

        using var timer = new CancellationTokenSource(delay, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            return await _wake.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}
