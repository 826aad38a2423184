namespace Penstock.Engines.Watching;

/// <summary>
/// How often an engine is asked for its load: every <see cref="Shortest"/> while it has work, ever less often while it
/// is idle or does not tell. A metrics page costs a Python engine milliseconds of the thread that also serves tokens.
/// </summary>
internal readonly record struct LoadPace(TimeSpan Interval)
{
    public static TimeSpan Shortest { get; } = TimeSpan.FromSeconds(1);

    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(8);

    /// <summary>Between two questions at least, whatever there is to ask for.</summary>
    public static TimeSpan Soonest { get; } = TimeSpan.FromMilliseconds(250);

    public static LoadPace Start { get; } = new(Shortest);

    /// <summary>The pace after one question.</summary>
    /// <param name="report">What the engine told; null: nothing.</param>
    public LoadPace After(LoadReport? report) =>
        report is { IsIdle: false } ? Start : new LoadPace(Interval * 2 < Longest ? Interval * 2 : Longest);
}
