using Microsoft.Extensions.Logging;
using Penstock.Core.Prefixes;

namespace Penstock.Gateway.CacheSync;

/// <summary>
/// What is worth a line in the log about one replica's cache: that something is otherwise than it was. Thread-safe.
/// </summary>
/// <remarks>Of each kind one line in <see cref="Every"/> at most, whatever engines and answers say. A state that lasts
/// is told the next time that it is looked at; one that was gone again by then is in the metrics alone.</remarks>
internal sealed partial class CacheLog(ILogger log, string replica, TimeProvider time)
{
    /// <summary>The least time between two lines of a kind.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private readonly Said<bool> _isAlarming = new(false, time);
    private readonly Said<bool> _isUntrusted = new(false, time);
    private readonly Said<int> _lost = new(0, time);
    private readonly Said<int> _lostElsewhere = new(0, time);

    /// <summary>The log of one publisher of the replica.</summary>
    public FeedLog Of(int rank) => new(this, rank, new(FeedState.Live, time), new(0, time));

    /// <summary>An answer was compared with what was predicted.</summary>
    /// <param name="trust">What came of it.</param>
    /// <param name="isLost">It shows that the cache was lost.</param>
    public void Compared(in CacheTrust trust, bool isLost)
    {
        if (isLost && _lost.Repeats())
        {
            Log.Lost(log, replica);
        }

        // Who recovers is relied on in part, and may fall back.
        if (trust.Level == TrustLevel.Untrusted && _isUntrusted.Becomes(true))
        {
            Log.Untrusted(log, replica);
        }
        else if (trust.Level == TrustLevel.Trusted && _isUntrusted.Becomes(false))
        {
            Log.Trusted(log, replica);
        }

        if (!_isAlarming.Becomes(trust.IsAlarming))
        {
            return;
        }

        if (trust.IsAlarming)
        {
            Log.Alarm(log, replica, Math.Round(100 * trust.Error));
        }
        else
        {
            Log.NoAlarm(log, replica);
        }
    }

    /// <summary>Another gateway saw that the cache was lost.</summary>
    public void LostSays(string gateway)
    {
        if (_lostElsewhere.Repeats())
        {
            Log.LostSays(log, replica, gateway);
        }
    }

    /// <summary>Its events are left to others.</summary>
    public void LeftAlone() => Log.LeftAlone(log, replica);

    /// <summary>How one publisher stands, and why it is so.</summary>
    internal void Tell(int rank, FeedState state, string why)
    {
        switch (state)
        {
            case FeedState.Live:
                Log.Followed(log, replica, rank);
                break;
            case FeedState.Gap:
                Log.Gap(log, replica, rank, why);
                break;
            case FeedState.Connecting:
                Log.Away(log, replica, rank);
                break;
            case FeedState.Faulty:
                Log.Faulty(log, replica, rank, why);
                break;
        }
    }

    internal void Restarted(int rank) => Log.Restarted(log, replica, rank);

    private static partial class Log
    {
        [LoggerMessage(25, LogLevel.Warning, "predictions of what replica {Replica} has cached miss by {Percent} % on "
            + "average (less than 0: it finds less); see penstock_replica_cache_alarm")]
        public static partial void Alarm(ILogger logger, string replica, double percent);

        [LoggerMessage(26, LogLevel.Information, "predictions of what replica {Replica} has cached are good again")]
        public static partial void NoAlarm(ILogger logger, string replica);

        [LoggerMessage(27, LogLevel.Warning, "replica {Replica} mostly finds less in its cache than was predicted; "
            + "what is predicted of it is not relied on for now")]
        public static partial void Untrusted(ILogger logger, string replica);

        [LoggerMessage(28, LogLevel.Information, "what is predicted of the cache of replica {Replica} is relied on "
            + "again")]
        public static partial void Trusted(ILogger logger, string replica);

        [LoggerMessage(29, LogLevel.Warning, "replica {Replica} lost its cache, as its answers show: it was restarted, "
            + "or its cache was cleared")]
        public static partial void Lost(ILogger logger, string replica);

        [LoggerMessage(30, LogLevel.Information, "replica {Replica} lost its cache, as gateway {Gateway} saw")]
        public static partial void LostSays(ILogger logger, string replica, string gateway);

        [LoggerMessage(31, LogLevel.Information, "cache events of replica {Replica} (rank {Rank}) are followed without "
            + "a gap")]
        public static partial void Followed(ILogger logger, string replica, int rank);

        [LoggerMessage(32, LogLevel.Warning, "cache events of replica {Replica} (rank {Rank}) have a gap: {Reason}")]
        public static partial void Gap(ILogger logger, string replica, int rank, string reason);

        [LoggerMessage(33, LogLevel.Information, "the publisher of cache events of replica {Replica} (rank {Rank}) is "
            + "not connected; it is tried again")]
        public static partial void Away(ILogger logger, string replica, int rank);

        [LoggerMessage(34, LogLevel.Warning, "the publisher of cache events of replica {Replica} (rank {Rank}) broke "
            + "the rules ({Fault}) and was cut off; it is tried again, ever later")]
        public static partial void Faulty(ILogger logger, string replica, int rank, string fault);

        [LoggerMessage(35, LogLevel.Information, "replica {Replica} (rank {Rank}) began anew with an empty cache, as "
            + "its events say")]
        public static partial void Restarted(ILogger logger, string replica, int rank);

        [LoggerMessage(36, LogLevel.Information, "cache events of replica {Replica} are not fetched: it gives each out "
            + "once, and other gateways of the cluster may want them; to fetch them here and nowhere else, write "
            + "kv_events.enabled: true in one gateway's document")]
        public static partial void LeftAlone(ILogger logger, string replica);
    }
}

/// <summary>What the log says of one publisher of a replica. Thread-safe.</summary>
internal sealed class FeedLog(CacheLog log, int rank, Said<FeedState> state, Said<int> restarts)
{
    /// <summary>How it stands now, and why.</summary>
    public void Now(FeedState now, string why = "")
    {
        if (state.Becomes(now))
        {
            log.Tell(rank, now, why);
        }
    }

    /// <summary>It shook hands, and stands like this. One that broke the rules has to say something first: it may do
    /// no more than that each time.</summary>
    public void Connected(FeedState now, string why = "")
    {
        if (state.Last != FeedState.Faulty)
        {
            Now(now, why);
        }
    }

    /// <summary>The engine began anew.</summary>
    public void Restarted()
    {
        if (restarts.Repeats())
        {
            log.Restarted(rank);
        }
    }
}

/// <summary>What was said of one thing last, and when. Thread-safe; where nothing changes, no lock is taken, for which
/// <typeparamref name="T"/> is to be read in one go: no larger than a number.</summary>
internal sealed class Said<T>(T first, TimeProvider time)
    where T : struct
{
    private readonly Lock _lock = new();
    private T _said = first;
    private long? _at;

    /// <summary>What was said last.</summary>
    public T Last => _said;

    /// <summary>True where this is to be said now: it is not what was said last, and that was long enough ago.
    /// </summary>
    public bool Becomes(T now)
    {
        if (EqualityComparer<T>.Default.Equals(_said, now))
        {
            return false;
        }

        lock (_lock)
        {
            if (EqualityComparer<T>.Default.Equals(_said, now) || !IsTime())
            {
                return false;
            }

            _said = now;
            return true;
        }
    }

    /// <summary>True where this is to be said again, now that it happened again.</summary>
    public bool Repeats()
    {
        lock (_lock)
        {
            return IsTime();
        }
    }

    private bool IsTime()
    {
        var now = time.GetTimestamp();
        if (_at is { } at && time.GetElapsedTime(at, now) < CacheLog.Every)
        {
            return false;
        }

        _at = now;
        return true;
    }
}
