using System.Collections.Immutable;

namespace Penstock.Core.Config;

/// <summary>A fixed list of words that some settings are held to.</summary>
public enum Vocabulary
{
    /// <summary>Any word.</summary>
    None,

    /// <summary>Routing policies.</summary>
    Policies,

    /// <summary>Engine adapters.</summary>
    Engines,

    /// <summary>Log levels.</summary>
    LogLevels,
}

/// <summary>The words that a document may use for policies, engines and log levels.</summary>
public static class KnownNames
{
    /// <summary>Routing policies, one file each in <c>Routing</c>.</summary>
    public static ImmutableArray<string> Policies { get; } =
        ["cost", "least-tokens", "least-outstanding", "power-of-two", "round-robin", "random"];

    /// <summary>Engine adapters; <c>auto</c> asks the endpoint what it is.</summary>
    public static ImmutableArray<string> Engines { get; } =
        ["auto", "vllm", "sglang", "trtllm", "llamacpp", "openai", "anthropic"];

    /// <summary>Log levels, the most talkative first.</summary>
    public static ImmutableArray<string> LogLevels { get; } =
        ["trace", "debug", "information", "warning", "error", "none"];

    /// <summary>The words of <paramref name="vocabulary"/>; empty where any word will do.</summary>
    public static ImmutableArray<string> Of(Vocabulary vocabulary) => vocabulary switch
    {
        Vocabulary.Policies => Policies,
        Vocabulary.Engines => Engines,
        Vocabulary.LogLevels => LogLevels,
        _ => [],
    };
}
