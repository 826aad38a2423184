namespace Penstock.Core.Prefixes;

/// <summary>
/// How much of a prompt one replica is believed to hold: consecutive tokens from its start, none counted twice.
/// </summary>
/// <remarks>A decision has one of each replica, so it is small: no prompt has as many tokens as an int has numbers.
/// </remarks>
public struct PrefixMatch
{
    /// <summary>In the accelerator's memory.</summary>
    public int Device;

    /// <summary>Beyond that in the host's memory.</summary>
    public int Host;

    /// <summary>Beyond that on its disk.</summary>
    public int Disk;

    /// <summary>Beyond that in a store that all replicas share.</summary>
    public int Shared;

    /// <summary>Not of the prompt: the tokens that the replica takes in and gives nothing up.</summary>
    public int Room;

    /// <summary>All of it.</summary>
    public readonly long Tokens => Device + Host + Disk + Shared;
}

/// <summary>What an engine reported when a request ended.</summary>
/// <param name="Completed">The answer came to its end.</param>
/// <param name="PromptTokens">Tokens of the prompt; 0 where it did not say.</param>
/// <param name="CachedTokens">Of these, found in the cache; −1 where it did not say.</param>
/// <param name="OutputTokens">Tokens of the answer, as far as they are known.</param>
public readonly record struct CacheReport(bool Completed, long PromptTokens, long CachedTokens, long OutputTokens);

/// <summary>The oldest of what a replica holds, as much as would be lost to something new.</summary>
/// <param name="Tokens">How many tokens; 0 while there is room.</param>
/// <param name="Unused">For how long they have not been used.</param>
public readonly record struct CacheVictims(long Tokens, TimeSpan Unused);
