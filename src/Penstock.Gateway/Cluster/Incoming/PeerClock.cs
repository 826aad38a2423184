using Penstock.Core.Primitives;

namespace Penstock.Gateway.Cluster.Incoming;

/// <summary>
/// Puts a peer's moments on this machine's clock. The offset between the two is taken to be the least seen in the last
/// half minute to minute: then a message that came as fast as the fastest has age 0, and one that was held up is as old
/// as it was held up. How the clocks are set does not matter, and how they drift hardly.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class PeerClock
{
    /// <summary>Nanoseconds after which the least of before is let go.</summary>
    public const long WindowNanoseconds = 30_000_000_000;

    private long _least = long.MaxValue;
    private long _leastBefore = long.MaxValue;
    private Instant _since;
    private Instant _last;

    /// <summary>When something was so that the peer stamped <paramref name="sent"/>; never after
    /// <paramref name="received"/>, never before what was returned last.</summary>
    public Instant Observe(long sent, Instant received)
    {
        var offset = received.Nanoseconds - sent;
        if (_least == long.MaxValue || (received - _since).Ticks * 100 > WindowNanoseconds)
        {
            _leastBefore = _least;
            _least = offset;
            _since = received;
        }

        _least = Math.Min(_least, offset);
        var at = new Instant(sent + Math.Min(_least, _leastBefore));
        _last = at > received ? received : at < _last ? _last : at;
        return _last;
    }
}
