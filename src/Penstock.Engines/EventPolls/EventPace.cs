namespace Penstock.Engines.EventPolls;

/// <summary>
/// How often an engine is asked for its events: every <see cref="Shortest"/> while there are any, ever less often
/// while there are none. The engine keeps the events meanwhile, as many as its buffer takes
/// (<c>event_buffer_max_size</c>); what costs is the question, which its Python thread answers between tokens.
/// </summary>
internal readonly record struct EventPace(TimeSpan Interval)
{
    public static TimeSpan Shortest { get; } = TimeSpan.FromMilliseconds(25);

    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(4);

    public static EventPace Start { get; } = new(Shortest);

    /// <summary>The pace after one question.</summary>
    /// <param name="any">Some event came.</param>
    public EventPace After(bool any) =>
        any ? Start : new EventPace(Interval * 2 < Longest ? Interval * 2 : Longest);
}
