namespace Penstock.Core.Prefixes;

/// <summary>How far what is believed of a replica's cache is to be relied on.</summary>
public enum TrustLevel : byte
{
    Trusted,

    /// <summary>It found less than it should have, lately.</summary>
    Suspect,

    /// <summary>It mostly finds less than it should.</summary>
    Untrusted,

    /// <summary>It was untrusted, and finds what it should again.</summary>
    Recovering,
}

/// <summary>
/// The trust in the mirror of one replica's cache: a value that each comparison of a prediction with what the engine
/// reported moves on.
/// </summary>
/// <remarks>
/// Trust is lost by the share of predicted tokens that were not there and regained by comparisons in a row that agreed,
/// so that no single answer restores it. What an engine cannot have evicted and did not find twice in a row, it lost in
/// a restart; where several keys are served there, only if it were two of them that did not find it, with two prompts.
/// </remarks>
public readonly record struct CacheTrust
{
    /// <summary>Comparisons in a row that must agree before an untrusted replica recovers, and before one that recovers
    /// or is suspect is trusted.</summary>
    public const int AgreedToRecover = 4;
    public const int AgreedToTrust = 8;

    private const double Newest = 0.1;
    private const double SuspectBelow = 0.9;
    private const double UntrustedBelow = 0.5;

    /// <summary>A comparison agrees where so much of what was predicted was there.</summary>
    private const double Agreement = 0.9;

    /// <summary>Tokens from which on it means something that they were not there.</summary>
    private const long Telling = 64;

    /// <summary>The same where a part of it was sent again meanwhile: where that ends is known to a block.</summary>
    private const long TellingBeyondFresh = 256;

    /// <summary>Losses in a row that no eviction explains, which make a restart.</summary>
    private const int LossesOfRestart = 2;

    /// <summary>Comparisons in a row of one key after which it counts as the only one there.</summary>
    private const int Alone = 32;

    /// <summary>Comparisons before an error raises the alarm, and the error that does.</summary>
    private const int AlarmAfter = 16;
    private const double AlarmAbove = 0.25;

    public CacheTrust()
    {
        Kept = 1;
        KeyRun = Alone;
    }

    public TrustLevel Level { get; private init; }

    /// <summary>Of the tokens that were predicted to be cached, the share that were; moving average.</summary>
    public double Kept { get; private init; }

    /// <summary>What was found less what was predicted, as a share of the larger one; moving average, −1 to
    /// 1.</summary>
    public double Error { get; private init; }

    /// <summary>By how many tokens predictions miss; moving average.</summary>
    public double ErrorTokens { get; private init; }

    /// <summary>The engine lost all that it held: what is believed of it is to be forgotten, once, which
    /// <see cref="Forgotten"/> takes note of.</summary>
    public bool HasRestarted => Losses >= LossesOfRestart;

    /// <summary>It lost what no eviction explains, and whether it lost all is not known yet.</summary>
    public bool IsInDoubt => Losses > 0 && !HasRestarted;

    /// <summary>Times that the engine was seen to have lost all.</summary>
    public int Restarts { get; private init; }

    /// <summary>Somebody should look: predictions are wrong by more than evictions explain.</summary>
    public bool IsAlarming =>
        Level == TrustLevel.Untrusted || (Compared >= AlarmAfter && Math.Abs(Error) > AlarmAbove);

    /// <summary>Share of a predicted hit that is counted on, 0 to 1.</summary>
    public double Belief => Level switch
    {
        TrustLevel.Trusted => 1,
        TrustLevel.Untrusted => 0,
        _ => Kept,
    };

    /// <summary>In a row: comparisons that agreed, and losses that no eviction explains.</summary>
    private int Agreed { get; init; }

    private int Losses { get; init; }

    /// <summary>Whose the first of the losses was.</summary>
    private CompareSource FirstLost { get; init; }

    /// <summary>The key that was compared last, and how often in a row.</summary>
    private ulong Key { get; init; }

    private int KeyRun { get; init; }

    private int Compared { get; init; }

    /// <summary>The trust after all that was believed of the replica was forgotten, for whatever reason: what was lost
    /// before says nothing of what comes.</summary>
    public CacheTrust Forgotten() => this with { Losses = 0, FirstLost = default };

    /// <summary>The trust after one more comparison, all in tokens.</summary>
    /// <param name="predicted">Predicted to be found.</param>
    /// <param name="safe">Of these, so shortly used that no eviction explains it where they were not found.</param>
    /// <param name="reported">Found by the engine.</param>
    /// <param name="fresh">Of those that are safe, sent again since the cache is in doubt.</param>
    /// <param name="clears">That they were found can end a doubt: what is fresh was known when it was sent.</param>
    /// <param name="source">Whose request it was.</param>
    public CacheTrust After(
        long predicted, long safe, long reported, long fresh = 0, bool clears = true, CompareSource source = default)
    {
        if (predicted <= 0 && reported <= 0)
        {
            return this;
        }

        var error = (reported - predicted) / (double)Math.Max(predicted, reported);
        var next = this with
        {
            Error = Error + (Newest * (error - Error)),
            ErrorTokens = ErrorTokens + (Newest * (Math.Abs(reported - predicted) - ErrorTokens)),
            Compared = Math.Min(Compared + 1, AlarmAfter),
        };
        return predicted > 0 ? next.Judge(predicted, safe, reported, fresh, clears, source) : next;
    }

    private CacheTrust Judge(
        long predicted, long safe, long reported, long fresh, bool clears, CompareSource source)
    {
        var share = Math.Min(1, reported / (double)predicted);
        var kept = Kept + (Newest * (share - Kept));
        var agreed = share >= Agreement ? Math.Min(Agreed + 1, AgreedToTrust) : 0;
        var isTelling = safe - fresh >= (fresh > 0 ? TellingBeyondFresh : Telling);
        var isLoss = isTelling && reported < (fresh + safe) / 2;
        var before = HasRestarted ? 0 : Losses;
        var losses = isLoss ? (before == 0 || IsAnother(source) ? before + 1 : before)
            : isTelling && clears ? 0
            : before;
        return this with
        {
            Kept = kept,
            Level = Next(kept, agreed, isLoss),
            Restarts = Restarts + (losses == LossesOfRestart ? 1 : 0),
            Agreed = agreed,
            Losses = losses,
            FirstLost = isLoss && before == 0 ? source : FirstLost,
            Key = source.Key,
            KeyRun = source.Key == Key ? Math.Min(KeyRun + 1, Alone) : Key == 0 ? KeyRun : 0,
        };
    }

    /// <summary>Whether a loss says more than the first one did. What one client sends may miss the cache for a reason
    /// of its own; only where no other is there must it do as a witness.</summary>
    private bool IsAnother(CompareSource source) =>
        (source.Chain == 0 || source.Chain != FirstLost.Chain)
        && (source.Key == 0 || source.Key != FirstLost.Key || KeyRun == Alone);

    private TrustLevel Next(double kept, int agreed, bool isLoss) => Level switch
    {
        TrustLevel.Untrusted => agreed >= AgreedToRecover ? TrustLevel.Recovering : TrustLevel.Untrusted,
        _ when kept < UntrustedBelow && agreed == 0 => TrustLevel.Untrusted,
        TrustLevel.Trusted => isLoss || kept < SuspectBelow ? TrustLevel.Suspect : TrustLevel.Trusted,
        _ => agreed >= AgreedToTrust && kept >= SuspectBelow ? TrustLevel.Trusted : Level,
    };
}

/// <summary>Whose request a comparison was of.</summary>
/// <param name="Key">A hash of the key that it came with; 0 where it had none.</param>
/// <param name="Chain">What the prediction rested on; 0 where that is not known.</param>
public readonly record struct CompareSource(ulong Key, ulong Chain);
