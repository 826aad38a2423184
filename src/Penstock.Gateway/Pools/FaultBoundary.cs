using System.Numerics;
using Microsoft.Extensions.Logging;

namespace Penstock.Gateway.Pools;

/// <summary>
/// Where faults of the gateway's own end that nobody stands behind, as on a timer, where they would end the process:
/// they are counted and said, ever more rarely, and what comes next goes on. Thread-safe.
/// </summary>
internal sealed partial class FaultBoundary(ILogger log)
{
    private long _count;

    /// <summary>Faults that ended here.</summary>
    public long Count => Volatile.Read(ref _count);

    public void Stop(Action act)
    {
        try
        {
            act();
        }
#pragma warning disable CA1031 // What it is for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Note(e);
        }
    }

    public async Task StopAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
#pragma warning disable CA1031 // What it is for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Note(e);
        }
    }

    private void Note(Exception fault)
    {
        var count = Interlocked.Increment(ref _count);
        if (BitOperations.IsPow2(count))
        {
            Log.Faulted(log, fault, count);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(38, LogLevel.Error, "the gateway goes on after a fault of its own, so far {Count}")]
        public static partial void Faulted(ILogger logger, Exception fault, long count);
    }
}
