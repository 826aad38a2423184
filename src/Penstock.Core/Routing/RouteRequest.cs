namespace Penstock.Core.Routing;

/// <summary>What routing needs to know of one request. Lives on the stack; holds no copies.</summary>
public readonly ref struct RouteRequest
{
    /// <summary>The prompt's prefix chain; see <see cref="Prefixes.PrefixChainBuilder"/>.</summary>
    public ReadOnlySpan<ulong> Chain { get; init; }

    /// <summary>Bytes of canonical prompt; tokens are estimated from them by the pool's learned ratio.</summary>
    public long PromptBytes { get; init; }

    /// <summary>The most tokens the answer may have; 0 where the client set no bound.</summary>
    public long OutputTokensMax { get; init; }

    /// <summary>Replica slots that this request has tried in vain.</summary>
    public ReadOnlySpan<int> Tried { get; init; }
}
