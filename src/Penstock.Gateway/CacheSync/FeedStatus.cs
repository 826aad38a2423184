namespace Penstock.Gateway.CacheSync;

/// <summary>How it stands with what one replica says of its cache; of several ranks the worst counts.</summary>
internal enum FeedState : byte
{
    /// <summary>Nothing is listened to.</summary>
    None,

    /// <summary>What was said since the beginning, or since a restart, is known without a gap.</summary>
    Live,

    /// <summary>It answers when it is asked, and had no event to tell yet: nothing was computed there since, or it
    /// keeps no events.</summary>
    Silent,

    /// <summary>Connected, but something was missed that could not be had again, or is more than is kept.</summary>
    Gap,

    /// <summary>Not connected; it is tried.</summary>
    Connecting,

    /// <summary>The publisher broke the rules and was cut off; it is tried again, ever later.</summary>
    Faulty,
}

/// <summary>What there is to say of one replica's feed. Counts only grow for as long as the replica is there, whatever
/// is listened to in turn.</summary>
internal readonly record struct FeedStatus
{
    public FeedState State { get; init; }

    /// <summary>Batches, or answers of a drained endpoint, taken.</summary>
    public long Batches { get; init; }

    /// <summary>Blocks in them.</summary>
    public long Blocks { get; init; }

    /// <summary>Times that something was missed, whether it could be had again or not.</summary>
    public long Gaps { get; init; }

    /// <summary>Times that what was known of a rank was void: a restart, or a gap for good.</summary>
    public long Resets { get; init; }

    /// <summary>Times that a publisher was cut off for breaking the rules.</summary>
    public long Faults { get; init; }

    /// <summary>Events of a type that is not known here.</summary>
    public long UnknownEvents { get; init; }

    /// <summary>Events whose fields made no sense.</summary>
    public long BrokenEvents { get; init; }

    /// <summary>Times that missed events were asked for.</summary>
    public long Replays { get; init; }

    /// <summary>Times that a bug of ours surfaced while something was learned of the replica.</summary>
    public long Bugs { get; init; }

    /// <summary>Tokens that the engine holds in the accelerator's memory, as it says; null: not all of it is known.
    /// </summary>
    public long? ResidentTokens { get; init; }

    /// <summary>Events come late, or the engine's clock is off.</summary>
    public bool IsLate { get; init; }

    /// <summary>How long ago it last said something; null: it never did.</summary>
    public TimeSpan? LastEvent { get; init; }

    public string StateName => FeedAge.NameOf(State);

    /// <summary>This, and beside it what others counted that are at work no more.</summary>
    public FeedStatus Beside(in FeedStatus ended) => this with
    {
        Batches = Batches + ended.Batches,
        Blocks = Blocks + ended.Blocks,
        Gaps = Gaps + ended.Gaps,
        Resets = Resets + ended.Resets,
        Faults = Faults + ended.Faults,
        UnknownEvents = UnknownEvents + ended.UnknownEvents,
        BrokenEvents = BrokenEvents + ended.BrokenEvents,
        Replays = Replays + ended.Replays,
    };
}

/// <summary>How far a replica's feed is to be relied on at one moment.</summary>
/// <param name="State">How it stands.</param>
/// <param name="LastEvent">How long ago it last said something; null: it never did.</param>
internal readonly record struct FeedAge(FeedState State, TimeSpan? LastEvent)
{
    public string StateName => NameOf(State);

    public static string NameOf(FeedState state) => state switch
    {
        FeedState.Live => "live",
        FeedState.Silent => "silent",
        FeedState.Gap => "gap",
        FeedState.Connecting => "connecting",
        FeedState.Faulty => "faulty",
        _ => "none",
    };
}
