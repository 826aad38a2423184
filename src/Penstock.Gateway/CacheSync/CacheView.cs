using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Gateway.Pools;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.CacheSync;

/// <summary>What one engine's events add up to (see <see cref="ReplicaHoldings"/>), told to its pool: blocks and empty
/// caches as they come, the volume at a pace of its own.</summary>
/// <remarks>Thread-safe. Its lock is taken before the pool's, never the other way about. Without events it has no timer
/// and costs nothing.</remarks>
internal sealed class CacheView : IDisposable
{
    /// <summary>The volume is told no more often.</summary>
    public static readonly TimeSpan VolumeEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>A batch this much older than its arrival, by two clocks that may disagree, says nothing about the
    /// volume of now. The pool allows for a delay of the same length.</summary>
    public static readonly TimeSpan DelayMax = UntoldTokens.DelayMax;

    /// <summary>Blocks after which whoever waits for the view gets his turn, in the middle of a batch.</summary>
    private const int BlocksAtOnce = 8_192;

    /// <summary>What an event counts for beside its blocks: that all is cleared has none.</summary>
    private const int BlocksPerEvent = 32;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly FeedBugs _bugs;
    private readonly ITimer _volume;
    private readonly ReplicaHoldings _holdings;
    private bool _isArmed;
    private bool _isLate;

    /// <param name="model">What the keys of the pool's prompts begin with.</param>
    /// <param name="secret">Keeps names from meeting on purpose.</param>
    /// <param name="time">Times the telling.</param>
    /// <param name="bugs">Learns of what goes wrong where nobody waits for it.</param>
    public CacheView(ulong model, ulong secret, TimeProvider time, FeedBugs bugs)
    {
        _time = time;
        _bugs = bugs;
        _holdings = new ReplicaHoldings(model, secret, FeedBounds.BlocksMax(default));
        _volume = time.CreateTimer(static view => ((CacheView)view!).TellVolume(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Tokens in the accelerator's memory, as the events say; null: not all is known.</summary>
    public long? ResidentTokens
    {
        get
        {
            lock (_lock)
            {
                return _holdings.ResidentTokens;
            }
        }
    }

    /// <summary>The last batch was stamped by more than <see cref="DelayMax"/> otherwise than when it came, so that
    /// nothing is told of the volume.</summary>
    public bool IsLate
    {
        get
        {
            lock (_lock)
            {
                return _isLate;
            }
        }
    }

    private Instant Now => Pool.InstantOf(_time);

    /// <summary>From now on this pool is told, from the beginning.</summary>
    public void Sit(Pool pool, int slot)
    {
        lock (_lock)
        {
            _holdings.Sit(pool, slot, pool.Keying, Now);
            Arm();
        }
    }

    /// <summary>Nothing is known any more, of an engine whose cache is like this.</summary>
    /// <param name="shape">The cache.</param>
    /// <param name="isKeyless">Its blocks are of such a kind that they have no key here.</param>
    public void Restart(in CacheShape shape, bool isKeyless)
    {
        lock (_lock)
        {
            _holdings.Restart(FeedBounds.BlocksMax(in shape), shape.Ranks);
            _holdings.IsKeyless = isKeyless;
            _isLate = false;
        }
    }

    /// <summary>A prompt whose blocks have these keys was sent to the replica. A hint: where events are being taken,
    /// which for a large batch takes a while, no request waits for that.</summary>
    public void Routed(ReadOnlySpan<ulong> blocks)
    {
        if (_lock.TryEnter())
        {
            try
            {
                _holdings.Routed(blocks);
            }
            finally
            {
                _lock.Exit();
            }
        }
    }

    /// <summary>Takes all events of a batch of one rank. However long it is, nobody else waits for more than a part of
    /// it.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="batch">Its events.</param>
    /// <returns>False: there was no room for some of it, so that not all is known any more.</returns>
    public bool Take(int rank, ref KvBatchReader batch)
    {
        var all = true;
        while (TakePart(rank, ref batch, ref all))
        {
        }

        lock (_lock)
        {
            var delay = _time.GetUtcNow() - DateTimeOffset.UnixEpoch - Seconds(batch.Timestamp);
            _isLate = delay.Duration() > DelayMax;
            Arm();
        }

        return all;
    }

    /// <summary>Takes one event of one rank, of an engine that was asked just now.</summary>
    /// <returns>False: there was no room for some of it, so that not all is known any more.</returns>
    public bool Take(int rank, in KvEvent e)
    {
        lock (_lock)
        {
            var all = _holdings.Take(in e, rank, Now);
            _isLate = false;
            Arm();
            return all;
        }
    }

    /// <summary>The cache of a rank is empty: it began anew.</summary>
    public void Lost(int rank)
    {
        lock (_lock)
        {
            _holdings.Lost(rank, Now);
        }
    }

    /// <summary>What a rank holds is not known: something was missed.</summary>
    public void Doubt(int rank)
    {
        lock (_lock)
        {
            _holdings.Doubt(rank, Now);
        }
    }

    /// <summary>What is known of a rank is not all that it holds.</summary>
    public void StartedInTheMiddle(int rank)
    {
        lock (_lock)
        {
            _holdings.StartedInTheMiddle(rank);
        }
    }

    public void Dispose() => _volume.Dispose();

    private void Arm()
    {
        if (!_isArmed && _holdings.WantsVolume)
        {
            _isArmed = true;
            _volume.Change(VolumeEvery, Timeout.InfiniteTimeSpan);
        }
    }

    /// <returns>True: there is more.</returns>
    private bool TakePart(int rank, ref KvBatchReader batch, ref bool all)
    {
        lock (_lock)
        {
            for (var taken = 0; taken < BlocksAtOnce;)
            {
                if (!batch.TryNext(out var e))
                {
                    return false;
                }

                all &= _holdings.Take(in e, rank, Now);
                taken += BlocksPerEvent + e.Hashes.Length;
            }

            return true;
        }
    }

    private void TellVolume()
    {
        try
        {
            lock (_lock)
            {
                _isArmed = false;
                if (!_isLate)
                {
                    _holdings.TellVolume(Now);
                }
            }
        }
        catch (Exception bug)
        {
            // On a timer there is nobody above who could.
            _bugs.Surfaced(bug);
        }
    }

    private static TimeSpan Seconds(double seconds) =>
        double.IsFinite(seconds) ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e11)) : TimeSpan.Zero;
}
