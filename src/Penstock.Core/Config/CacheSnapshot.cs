using System.Globalization;
using Penstock.Core.Prefixes;

namespace Penstock.Core.Config;

/// <summary>Where one replica says what happens in its cache, as far as that is configured.</summary>
public sealed record KvEventsSnapshot
{
    /// <summary>Data-parallel ranks of one address at most.</summary>
    public const int RanksMax = 256;

    /// <summary>What holds where the document says nothing: what the engine says itself.</summary>
    public static KvEventsSnapshot Default { get; } = new();

    public bool Enabled { get; init; } = true;

    /// <summary>Events that an engine gives out once, to whoever asks first, are fetched here.</summary>
    public bool Drains { get; init; } = true;

    /// <summary>The publisher of rank 0; null: where the engine says.</summary>
    public TcpAddress? Endpoint { get; init; }

    /// <summary>The replay socket of rank 0; null: where the engine says, if it does.</summary>
    public TcpAddress? Replay { get; init; }

    /// <summary>What the topics wanted begin with.</summary>
    public string Topic { get; init; } = "";

    /// <summary>Data-parallel ranks; null: as many as the engine says.</summary>
    public int? Ranks { get; init; }
}

/// <summary>What is configured of the cache of each replica of a pool; null: what its engine tells.</summary>
public sealed record CacheSnapshot
{
    /// <summary>What holds where the document says nothing.</summary>
    public static CacheSnapshot Default { get; } = new();

    public long? CapacityTokens { get; init; }

    public int? BlockTokens { get; init; }

    public long? HostTokens { get; init; }

    public long? DiskTokens { get; init; }

    public RestoreCosts Restoring { get; init; }

    /// <summary>The shape that an engine told, with what is configured laid over it.</summary>
    public CacheShape Over(in CacheShape told) => told with
    {
        CapacityTokens = CapacityTokens ?? told.CapacityTokens,
        BlockTokens = BlockTokens ?? told.BlockTokens,
        HostTokens = HostTokens ?? told.HostTokens,
        HasHost = HostTokens is { } host ? host > 0 : told.HasHost,
        DiskTokens = DiskTokens ?? told.DiskTokens,
        HasDisk = DiskTokens is { } disk ? disk > 0 : told.HasDisk,
        Restoring = Restoring,
    };
}

/// <summary>A host and a port as written in a document: <c>tcp://host:port</c>.</summary>
/// <param name="Host">A name or address, without brackets; <c>*</c>: any; <see cref="SameHost"/>: where requests go.
/// </param>
/// <param name="Port">The port of rank 0.</param>
public sealed record TcpAddress(string Host, int Port)
{
    /// <summary>Stands for the host of the replica's URL.</summary>
    public const string SameHost = "{host}";

    /// <summary>Any address of this machine.</summary>
    public const string AnyHost = "*";

    private const string Scheme = "tcp://";

    /// <summary>True where the gateway listens and the engine connects.</summary>
    public bool IsBoundHere => Host == AnyHost;

    /// <summary>Reads an address; null where it is none.</summary>
    public static TcpAddress? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var colon = text.LastIndexOf(':');
        return text.StartsWith(Scheme, StringComparison.Ordinal) && colon > Scheme.Length
            && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is >= 1 and <= ushort.MaxValue
            && text[Scheme.Length..colon].Trim('[', ']') is { Length: > 0 } host
            && !host.AsSpan().ContainsAny("/ ?#@")
            ? new TcpAddress(host, port)
            : null;
    }

    /// <summary>The host to connect to.</summary>
    /// <param name="replica">The host of the replica's URL.</param>
    public string HostOf(string replica) => Host == SameHost ? replica : Host;

    public override string ToString() => $"{Scheme}{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}";
}
