using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// What a request that was dispatched holds of its replica's mirror, and what was predicted of it: to be given back
/// when it ends.
/// </summary>
public readonly record struct PrefixClaim
{
    /// <summary>Leading blocks of the prompt that it holds.</summary>
    internal int Blocks { get; init; }

    /// <summary>Which of the prompt's parts it holds, a bit each.</summary>
    internal int Parts { get; init; }

    /// <summary>The sequence that it took, of an engine that has a number of them; from 1, 0 for none.</summary>
    internal int Slot { get; init; }

    /// <summary>A replica that was forgotten meanwhile has another one.</summary>
    internal int Generation { get; init; }

    /// <summary>Tokens of the prompt that the replica was believed to hold.</summary>
    public long Predicted { get; internal init; }

    /// <summary>Of these, used so shortly before that no eviction explains it where they were not there.</summary>
    public long Safe { get; internal init; }

    /// <summary>Of these, used again since the cache is in doubt: found or not, they say nothing of what was before.
    /// </summary>
    public long Fresh { get; internal init; }

    /// <summary>Since when the cache was in doubt as the request was sent; zero where it was not.</summary>
    internal Instant DoubtedSince { get; init; }

    /// <summary>What the prediction rests on, and under which hash that is known.</summary>
    internal ForecastBasis Basis { get; init; }

    /// <summary>Whose entries those are that it added, in <see cref="EntryShares"/>, and how many.</summary>
    internal byte Account { get; init; }

    internal int Added { get; init; }

    internal ulong BasisHash { get; init; }

    /// <summary>Tokens used at the replica since what the prediction rests on.</summary>
    internal long Distance { get; init; }

    /// <summary>Tokens that the sequence had of the prompt.</summary>
    internal long There { get; init; }

    /// <summary>Tokens that the host's memory had instead, if the engine has such a thing; 0 for none.</summary>
    internal long Saved { get; init; }

    /// <summary>Tokens that it must hold for that to be still there.</summary>
    internal long SavedDistance { get; init; }
}

/// <summary>What a prediction of cached tokens rests on.</summary>
internal enum ForecastBasis : byte
{
    /// <summary>Nothing is held.</summary>
    Nothing,

    /// <summary>The last full block that is held.</summary>
    Block,

    /// <summary>The end of a part (tools, system prompt) inside of the next block.</summary>
    Part,

    /// <summary>A prompt that was answered there, with its answer.</summary>
    End,
}

/// <summary>How many tokens of a prompt a replica is believed to hold, and why.</summary>
internal readonly record struct Forecast(long Tokens, ForecastBasis Basis, ulong Hash, int At);

/// <summary>What the host's memory has for a prompt that a sequence is given to.</summary>
/// <param name="At">Its place there; −1 for nothing.</param>
/// <param name="Depth">Leading blocks of the prompt that are found.</param>
/// <param name="Found">What is found.</param>
/// <param name="Distance">Tokens saved since, with its own.</param>
internal readonly record struct SavedMatch(int At, int Depth, Forecast Found, long Distance);
