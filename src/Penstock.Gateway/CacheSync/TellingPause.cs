namespace Penstock.Gateway.CacheSync;

/// <summary>
/// Whether one replica is asked for the tokens of prompts. One that was too slow several times in a row is left alone
/// for a while, then one request tries again: requests must not wait, one after the other, for what does not come.
/// Thread-safe.
/// </summary>
internal sealed class TellingPause(TimeProvider time)
{
    /// <summary>Slow answers in a row after which a replica is left alone.</summary>
    public const int SlowMax = 3;

    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Questions to the replica at a time; whoever has none of these places waits here, and not for it.
    /// </summary>
    public const int PlacesMax = 32;

    private readonly Lock _lock = new();
    private TimeSpan _pause = Shortest;
    private long _since;
    private int _slow;

    public SemaphoreSlim Places { get; } = new(PlacesMax);

    /// <summary>May ask now; says with <see cref="End"/> what came of it, if anything did.</summary>
    /// <param name="begun">When it begins.</param>
    public bool TryBegin(out long begun)
    {
        begun = time.GetTimestamp();
        lock (_lock)
        {
            if (_slow < SlowMax)
            {
                return true;
            }

            if (time.GetElapsedTime(_since, begun) < _pause)
            {
                return false;
            }

            // The others wait for what comes of this one.
            _since = begun;
            return true;
        }
    }

    /// <param name="begun">When it was begun.</param>
    /// <param name="isSlow">Nothing came in time.</param>
    public void End(long begun, bool isSlow)
    {
        lock (_lock)
        {
            if (!isSlow)
            {
                _slow = 0;
                _pause = Shortest;
            }
            else if (_slow < SlowMax)
            {
                _slow++;
                _since = time.GetTimestamp();
            }
            else if (begun == _since)
            {
                // The one that tried; those that began before the pause have nothing new to say.
                _pause = _pause * 2 < Longest ? _pause * 2 : Longest;
                _since = time.GetTimestamp();
            }
        }
    }
}
