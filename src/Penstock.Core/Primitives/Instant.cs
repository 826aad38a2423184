namespace Penstock.Core.Primitives;

/// <summary>
/// A point on a monotonic clock, in nanoseconds since an arbitrary start. Only differences mean anything; it is
/// never a wall-clock time. The gateway takes it from a <c>TimeProvider</c>, the simulator from virtual time.
/// </summary>
public readonly record struct Instant(long Nanoseconds) : IComparable<Instant>
{
    /// <summary>The start of the clock.</summary>
    public static Instant Zero => default;

    /// <summary>An instant <paramref name="seconds"/> after the start of the clock.</summary>
    public static Instant FromSeconds(double seconds) => new((long)(seconds * 1e9));

    /// <summary>Seconds since the start of the clock.</summary>
    public double Seconds => Nanoseconds / 1e9;

    public static Instant operator +(Instant at, TimeSpan span) => new(at.Nanoseconds + (span.Ticks * 100));

    public static TimeSpan operator -(Instant later, Instant earlier) =>
        new((later.Nanoseconds - earlier.Nanoseconds) / 100);

    public static bool operator <(Instant a, Instant b) => a.Nanoseconds < b.Nanoseconds;

    public static bool operator >(Instant a, Instant b) => a.Nanoseconds > b.Nanoseconds;

    public static bool operator <=(Instant a, Instant b) => a.Nanoseconds <= b.Nanoseconds;

    public static bool operator >=(Instant a, Instant b) => a.Nanoseconds >= b.Nanoseconds;

    public int CompareTo(Instant other) => Nanoseconds.CompareTo(other.Nanoseconds);
}
