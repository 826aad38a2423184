using Penstock.Engines.Watching;

namespace Penstock.Gateway.CacheSync;

/// <summary>The feeds of one replica that are at work together.</summary>
internal sealed class FeedSet(RankFeed[] events, LoadFeed[] loads, DrainFeed? drain) : IAsyncDisposable
{
    public static FeedSet None { get; } = new([], [], null);

    public DrainFeed? Drain => drain;

    public static FeedSet Of(
        FeedPlan plan, CacheView view, LoadView load, FeedBugs bugs, ReplicaWatch watch, TimeProvider time,
        CacheLog log) => new(
        [.. plan.Events.Select(s => new RankFeed(s, view, load, bugs, time, log))],
        [.. plan.Loads.Select(s => new LoadFeed(s, load, bugs, time))],
        plan.Drains ? new DrainFeed(watch, view, time, log) : null);

    public void Start()
    {
        foreach (var feed in events)
        {
            feed.Start();
        }

        foreach (var feed in loads)
        {
            feed.Start();
        }

        drain?.Start();
    }

    /// <summary>The worst of all, and the sums. Load alone is no feed of a cache.</summary>
    public FeedStatus Status(TimeProvider time)
    {
        var status = drain is null ? default : new FeedStatus
        {
            State = drain.State,
            Batches = drain.Counts.Questions,
            Blocks = drain.Blocks,
            Gaps = drain.Gaps,
            Resets = drain.Resets,
            Faults = drain.Counts.Broken,
        };
        var heard = drain?.HeardAt ?? 0;
        foreach (var feed in events)
        {
            var counted = feed.Counters;
            status = new FeedStatus
            {
                State = feed.State > status.State ? feed.State : status.State,
                Batches = status.Batches + counted.Batches,
                Blocks = status.Blocks + counted.Blocks,
                Gaps = status.Gaps + counted.Gaps,
                Resets = status.Resets + counted.Forgets,
                Faults = status.Faults + counted.Faults,
                UnknownEvents = status.UnknownEvents + counted.UnknownEvents,
                BrokenEvents = status.BrokenEvents + counted.BrokenEvents,
                Replays = status.Replays + counted.Replays,
            };
            heard = Math.Max(heard, feed.HeardAt);
        }

        return heard == 0 ? status : status with { LastEvent = time.GetElapsedTime(heard) };
    }

    /// <summary>The worst state and the newest event of all; costs no lock.</summary>
    public FeedAge Age(TimeProvider time)
    {
        var state = drain?.State ?? FeedState.None;
        var heard = drain?.HeardAt ?? 0;
        foreach (var feed in events)
        {
            state = feed.State > state ? feed.State : state;
            heard = Math.Max(heard, feed.HeardAt);
        }

        return new FeedAge(state, heard == 0 ? null : time.GetElapsedTime(heard));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var feed in events)
        {
            await feed.DisposeAsync();
        }

        foreach (var feed in loads)
        {
            await feed.DisposeAsync();
        }

        if (drain is not null)
        {
            await drain.DisposeAsync();
        }
    }
}
