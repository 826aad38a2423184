using Penstock.Core.KvSync;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.CacheSync;

/// <summary>The load that an engine pushes, all ranks together, told to the pool when it changed and not too often.
/// Thread-safe.</summary>
internal sealed class LoadView : IDisposable
{
    /// <summary>A rank that said nothing for so long, where each says something once a second, is gone and has no load.
    /// </summary>
    public static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly RankLoad[] _ranks = new RankLoad[KvBlockMap.RanksMax];
    private readonly TimeProvider _time;
    private readonly FeedBugs _bugs;
    private readonly ITimer _timer;
    private Pool? _pool;
    private int _slot;
    private int _slots;
    private int _count;
    private bool _isArmed;

    public LoadView(TimeProvider time, FeedBugs bugs)
    {
        _time = time;
        _bugs = bugs;
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

    /// <summary>The engine serves so many requests at a time now.</summary>
    public void Serves(int slots)
    {
        lock (_lock)
        {
            _slots = slots;
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

            _ranks[rank] = new RankLoad(load, IsTold: true, _time.GetTimestamp());
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
        try
        {
            lock (_lock)
            {
                _isArmed = false;
                if (_pool is { } pool)
                {
                    var told = Sum();
                    pool.Tell(PoolEvent.LoadReported(pool.Now, _slot, in told));
                }
            }
        }
        catch (Exception bug)
        {
            // On a timer there is nobody above who could.
            _bugs.Surfaced(bug);
        }
    }

    private EngineLoad Sum()
    {
        var (running, waiting, usage) = (0L, 0L, double.NaN);
        foreach (ref readonly var rank in _ranks.AsSpan(0, _count))
        {
            if (!rank.IsTold || _time.GetElapsedTime(rank.At) > SilenceMax)
            {
                continue;
            }

            running += rank.Load.Running;
            waiting += rank.Load.Waiting;
            if (rank.Load.TokensMax > 0)
            {
                var share = Math.Min(1, rank.Load.Tokens / (double)rank.Load.TokensMax);
                usage = double.IsNaN(usage) ? share : Math.Max(usage, share);
            }
        }

        return new EngineLoad(
            (int)Math.Min(running, int.MaxValue), (int)Math.Min(waiting, int.MaxValue), usage, _slots);
    }

    private readonly record struct RankLoad(KvLoad Load, bool IsTold, long At);
}
