using System.Collections.Concurrent;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.Requests;

/// <summary>Exchanges to be used again, and the set of those in use, which the sweep walks. Thread-safe.</summary>
/// <param name="parts">What exchanges are made with.</param>
/// <param name="faults">Where those of the sweep end: it is on a timer, and one exchange must not keep it from the
/// others.</param>
internal sealed class ExchangePool(FlowParts parts, FaultBoundary faults)
{
    /// <summary>Idle exchanges kept.</summary>
    private const int IdleMax = 1024;

    private readonly ConcurrentBag<Exchange> _idle = [];
    private readonly ConcurrentDictionary<Exchange, byte> _inUse = new();
    private int _idleCount;
    private int _count;

    public int InUse => Volatile.Read(ref _count);

    public Exchange Rent()
    {
        Interlocked.Increment(ref _count);
        if (_idle.TryTake(out var exchange))
        {
            Interlocked.Decrement(ref _idleCount);
        }
        else
        {
            exchange = new Exchange(parts.JsonDepthMax, parts.ScopeSeed);
        }

        _inUse[exchange] = 0;
        return exchange;
    }

    public void Return(Exchange exchange)
    {
        _inUse.TryRemove(exchange, out _);
        Interlocked.Decrement(ref _count);
        exchange.End();
        if (Volatile.Read(ref _idleCount) < IdleMax)
        {
            Interlocked.Increment(ref _idleCount);
            _idle.Add(exchange);
        }
        else
        {
            exchange.Dispose();
        }
    }

    /// <summary>Ends what has been silent for too long, and puts pings into silent streams.</summary>
    public void Sweep()
    {
        var now = parts.Time.GetTimestamp();
        foreach (var (exchange, _) in _inUse)
        {
            faults.Stop(() =>
            {
                exchange.ExpireIfDue(now);
                Pings.SendIfDue(exchange, now, parts.Time);
            });
        }
    }
}
