namespace Penstock.Gateway.CacheSync;

/// <summary>How it stands with what one replica says of its cache; of several ranks the worst counts.</summary>
internal enum FeedState : byte
{
    /// <summary>Nothing is listened to.</summary>
    None,

    /// <summary>What was said since the beginning, or since a restart, is known without a gap.</summary>
    Live,

    /// <summary>Connected, but something was missed that could not be had again.</summary>
    Gap,

    /// <summary>Not connected; it is tried.</summary>
    Connecting,

    /// <summary>The publisher broke the rules and was cut off; it is tried again, ever later.</summary>
    Faulty,
}

/// <summary>What there is to say of one replica's feed. Counts only grow.</summary>
/// <param name="State">How it stands.</param>
/// <param name="Batches">Batches, or answers of a drained endpoint, taken.</param>
/// <param name="Blocks">Blocks in them.</param>
/// <param name="Gaps">Times that something was missed, whether it could be had again or not.</param>
/// <param name="Resets">Times that what was known of a rank was void: a restart, or a gap for good.</param>
/// <param name="Faults">Times that a publisher was cut off for breaking the rules.</param>
/// <param name="ResidentTokens">Tokens that the engine holds in the accelerator's memory, as it says; null: not all of
/// it is known.</param>
/// <param name="LastEvent">How long ago it last said something; null: it never did.</param>
internal readonly record struct FeedStatus(
    FeedState State, long Batches, long Blocks, long Gaps, long Resets, long Faults, long? ResidentTokens,
    TimeSpan? LastEvent)
{
    public string StateName => State switch
    {
        FeedState.Live => "live",
        FeedState.Gap => "gap",
        FeedState.Connecting => "connecting",
        FeedState.Faulty => "faulty",
        _ => "none",
    };
}
