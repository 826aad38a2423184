namespace Penstock.Wire.KvEvents;

/// <summary>How much one batch may ask for.</summary>
public sealed record KvEventLimits
{
    public static KvEventLimits Default { get; } = new();

    /// <summary>Events of a batch at most.</summary>
    public int EventsMax { get; init; } = 65_536;

    /// <summary>Blocks of a batch at most: a prompt of 1,000,000 tokens has 62,500 blocks of 16. What comes after is
    /// not read, and the batch is marked.</summary>
    public int BlocksMax { get; init; } = 262_144;
}
