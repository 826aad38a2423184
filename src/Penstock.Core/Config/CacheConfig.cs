namespace Penstock.Core.Config;

/// <summary>What engines say about their caches, and where; becomes <see cref="KvEventsSnapshot"/>.</summary>
public sealed record KvEventsConfig
{
    [Setting("False: what the engines say of their caches is not listened to. True is the default, but with a cluster "
        + "the events of TensorRT-LLM are only fetched where true is written: do so for one gateway, for each event is "
        + "given out once.")]
    public bool? Enabled { get; init; }

    [Setting("Where an engine publishes, such as tcp://{host}:5557; tcp://*:5557 lets the engine connect to the "
        + "gateway. Where it is missing, what the engine says itself.")]
    public string? Endpoint { get; init; }

    [Setting("Where missed events can be asked for, such as tcp://{host}:5567; apart from endpoint by at least the "
        + "number of ranks.")]
    public string? ReplayEndpoint { get; init; }

    [Setting("Only messages whose topic begins with this are read.")]
    public string Topic { get; init; } = "";

    [Setting("Data-parallel ranks behind one address, rank r at the ports + r; what the engine says where it is "
        + "missing.", Min = 1, Max = KvEventsSnapshot.RanksMax)]
    public long? Ranks { get; init; }
}

/// <summary>What the cache of each replica is like, where its engine tells otherwise or nothing; becomes
/// <see cref="CacheSnapshot"/>.</summary>
public sealed record CacheConfig
{
    private const double TokensMax = 1e12;
    private const double CostMax = 100;

    [Setting("Tokens that fit into the accelerator's memory.", Min = 1, Max = TokensMax)]
    public long? CapacityTokens { get; init; }

    [Setting("Tokens of a block.", Min = 1, Max = 65_536)]
    public long? BlockTokens { get; init; }

    [Setting("Tokens that fit into the host's memory.", Min = 0, Max = TokensMax)]
    public long? HostTokens { get; init; }

    [Setting("Tokens that fit on disk.", Min = 0, Max = TokensMax)]
    public long? DiskTokens { get; init; }

    [Setting("What a token costs that is cached in the host's memory, as a share of one that is computed; 0.25 where "
        + "it is missing.", Min = 0, Max = CostMax)]
    public double? HostRestoreCost { get; init; }

    [Setting("The same on disk; 0.75 where it is missing.", Min = 0, Max = CostMax)]
    public double? DiskRestoreCost { get; init; }

    [Setting("The same in a store that replicas share; 0.5 where it is missing.", Min = 0, Max = CostMax)]
    public double? SharedRestoreCost { get; init; }
}
