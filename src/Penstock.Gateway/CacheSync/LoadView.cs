using Penstock.Core.KvSync;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.CacheSync;

/// <summary>The load that an engine pushes, all ranks together, told to the pool when it changed and not too often.
/// Thread-safe.</summary>
internal sealed class LoadView : IDisposable
{
    private readonly Lock _lock = new();
    private readonly KvLoad[] _ranks = new KvLoad[KvBlockMap.RanksMax];
    private readonly ITimer _timer;
    private Pool? _pool;
    private int _slot;
    private int _slots;
    private int _count;
    private bool _isArmed;

    public LoadView(TimeProvider time)
    {
        _timer = time.CreateTimer(
            static view => ((LoadView)view!).Tell(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Sit(Pool pool, int slot)
    {
        lock (_lock)
        {
            _pool = pool;
            _slot = slot;
        }
    }

    /// <summary>An engine that serves so many requests at a time; 0: not known.</summary>
    public void Restart(int slots)
    {
        lock (_lock)
        {
            _slots = slots;
            _count = 0;
        }
    }

    public void Told(int rank, in KvLoad load)
    {
        lock (_lock)
        {
            if ((uint)rank >= (uint)_ranks.Length)
            {
                return;
            }

            while (_count <= rank)
            {
                _ranks[_count++] = default;
            }

            _ranks[rank] = load;
            if (!_isArmed)
            {
                _isArmed = true;
                _timer.Change(CacheView.VolumeEvery, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Tell()
    {
        lock (_lock)
        {
            _isArmed = false;
            if (_pool is null)
            {
                return;
            }

            var (running, waiting, usage) = (0L, 0L, double.NaN);
            foreach (ref readonly var load in _ranks.AsSpan(0, _count))
            {
                running += load.Running;
                waiting += load.Waiting;
                if (load.TokensMax > 0)
                {
                    var share = Math.Min(1, load.Tokens / (double)load.TokensMax);
                    usage = double.IsNaN(usage) ? share : Math.Max(usage, share);
                }
            }

            var told = new EngineLoad(
                (int)Math.Min(running, int.MaxValue), (int)Math.Min(waiting, int.MaxValue), usage, _slots);
            _pool.Tell(PoolEvent.LoadReported(_pool.Now, _slot, in told));
        }
    }
}
