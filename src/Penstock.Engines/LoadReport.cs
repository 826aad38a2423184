namespace Penstock.Engines;

/// <summary>What an engine said about its load. Null: not told.</summary>
public sealed record LoadReport
{
    /// <summary>Requests that it is working on.</summary>
    public long? Running { get; init; }

    /// <summary>Requests that wait in it.</summary>
    public long? Waiting { get; init; }

    /// <summary>Prompt tokens that wait to be computed, cached ones left out.</summary>
    public long? WaitingUncachedTokens { get; init; }

    /// <summary>Share of the KV cache in use, 0 to 1; of the fullest rank where there are several.</summary>
    public double? KvUsage { get; init; }

    /// <summary>Tokens that the KV cache holds.</summary>
    public long? KvTokens { get; init; }

    /// <summary>Tokens of a block of the prefix cache.</summary>
    public long? BlockTokens { get; init; }

    /// <summary>Prompt tokens taken in since the engine started, cached ones included where it counts so.</summary>
    public long? PromptTokensTotal { get; init; }

    /// <summary>Prompt tokens found in the cache since the engine started.</summary>
    public long? CachedTokensTotal { get; init; }

    public long? GenerationTokensTotal { get; init; }

    /// <summary>It said that it has nothing to do.</summary>
    public bool IsIdle => Running is 0 && Waiting is null or 0;
}
