namespace Penstock.Core.Prefixes;

/// <summary>How far what is believed of a replica's cache is to be relied on.</summary>
public enum TrustLevel : byte
{
    Trusted,
    Suspect,
    Untrusted,
    Recovering,
}

/// <summary>
/// The trust in the mirror of one replica's cache: a value that each comparison of a prediction with what the engine
/// reported moves on.
/// </summary>
public readonly record struct CacheTrust
{
    private const double Newest = 0.1;
    private const double SuspectBelow = 0.9;
    private const double UntrustedBelow = 0.5;

    public CacheTrust()
    {
        Kept = 1;
    }

    public TrustLevel Level { get; private init; }

    /// <summary>Of the tokens that were predicted to be cached, the share that were; moving average.</summary>
    public double Kept { get; private init; }

    /// <summary>Share of a predicted hit that is counted on, 0 to 1.</summary>
    public double Belief => Level is TrustLevel.Trusted ? 1 : Kept;

    /// <summary>The trust after one more comparison, both in tokens.</summary>
    public CacheTrust After(long predicted, long reported)
    {
        if (predicted <= 0)
        {
            return this;
        }

        var kept = Kept + (Newest * (Math.Min(1, reported / (double)predicted) - Kept));
        var level = kept < UntrustedBelow ? TrustLevel.Untrusted
            : kept >= SuspectBelow ? TrustLevel.Trusted
            : Level is TrustLevel.Untrusted or TrustLevel.Recovering ? TrustLevel.Recovering
            : TrustLevel.Suspect;
        return this with { Kept = kept, Level = level };
    }
}
