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

    /// <summary>Who is believed to share cached prefixes.</summary>
    CacheScopes,

    /// <summary>What prefixes are known by.</summary>
    PrefixKeys,
}

/// <summary>The words that a document may use for policies, engines, log levels and scopes.</summary>
public static class KnownNames
{
    /// <summary>Routing policies: those that <see cref="RoutePolicies"/> can make.</summary>
    public static ImmutableArray<string> Policies => RoutePolicies.Names;

    /// <summary>Engine adapters; <c>auto</c> asks the endpoint what it is.</summary>
    public static ImmutableArray<string> Engines { get; } =
        ["auto", "vllm", "sglang", "trtllm", "llamacpp", "openai", "anthropic"];

    /// <summary>Log levels, the most talkative first.</summary>
    public static ImmutableArray<string> LogLevels { get; } =
        ["trace", "debug", "information", "warning", "error", "none"];

    /// <summary>Prefixes are shared within an org.</summary>
    public const string ScopeOrg = "org";

    /// <summary>Prefixes are shared within a workspace.</summary>
    public const string ScopeWorkspace = "workspace";

    /// <summary>Prefixes are shared by all.</summary>
    public const string ScopeAll = "all";

    /// <summary>Who is believed to share cached prefixes, the narrower before the wider.</summary>
    public static ImmutableArray<string> CacheScopes { get; } = [ScopeWorkspace, ScopeOrg, ScopeAll];

    /// <summary>Prefixes are known by the bytes of the prompt.</summary>
    public const string KeysBytes = "bytes";

    /// <summary>Prefixes are known by the engine's own tokens.</summary>
    public const string KeysTokens = "tokens";

    /// <summary>What prefixes are known by, the default first.</summary>
    public static ImmutableArray<string> PrefixKeys { get; } = [KeysBytes, KeysTokens];

    /// <summary>The words of <paramref name="vocabulary"/>; empty where any word will do.</summary>
    public static ImmutableArray<string> Of(Vocabulary vocabulary) => vocabulary switch
    {
        Vocabulary.Policies => Policies,
        Vocabulary.Engines => Engines,
        Vocabulary.LogLevels => LogLevels,
        Vocabulary.CacheScopes => CacheScopes,
        Vocabulary.PrefixKeys => PrefixKeys,
        _ => [],
    };
}
