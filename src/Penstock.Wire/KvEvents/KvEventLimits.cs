namespace Penstock.Wire.KvEvents;

/// <summary>How much one batch may ask for.</summary>
public sealed record KvEventLimits
{
    /// <summary>That all is cleared counts as so many blocks: an engine says it once, and it costs whoever listens more
    /// than a block does.</summary>
    public const int BlocksPerClear = 1_024;

    public static KvEventLimits Default { get; } = new();

    /// <summary>Events of a batch at most. SGLang tells each page in an event of its own, and a page may be one token:
    /// a prompt of 128k tokens that pushes out as many is 262,144 events.</summary>
    public int EventsMax { get; init; } = 524_288;

    /// <summary>Blocks of a batch at most: an event has one at least, and a prompt of 1,000,000 tokens has 62,500 of
    /// 16. What comes after is not read, and the batch is marked.</summary>
    public int BlocksMax { get; init; } = 524_288;
}
