using System.Collections.Immutable;
using Penstock.Core.Routing;

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
    /// <summary>Routing policies: those that <see cref="RoutePolicies"/> can make.</summary>
    public static ImmutableArray<string> Policies => RoutePolicies.Names;

    /// <summary>Engine adapters; <c>auto</c> asks the endpoint what it is.</summary>
    public static ImmutableArray<string> Engines { get; } =
        ["auto", "vllm", "sglang", "llamacpp", "openai", "anthropic"];

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
