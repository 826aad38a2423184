using System.Collections.Frozen;
using System.Collections.Immutable;
using Penstock.Core.Metering;
using Penstock.Core.Routing;

namespace Penstock.Core.Config;

/// <summary>
/// The compiled configuration: immutable, replaced whole. A request pins one snapshot for its whole life, so an edit
/// in the middle of it changes nothing for it.
/// </summary>
public sealed record FleetSnapshot
{
    /// <summary>Grows by one with every applied change.</summary>
    public required long Version { get; init; }

    /// <summary>Every model under its id and under each of its aliases.</summary>
    public required FrozenDictionary<string, ModelSnapshot> Models { get; init; }

    /// <summary>The models in the order of the document, each once.</summary>
    public required ImmutableArray<ModelSnapshot> ModelList { get; init; }

    /// <summary>Where a model name goes that is not known; null refuses it.</summary>
    public ModelSnapshot? DefaultModel { get; init; }

    public required ImmutableArray<PoolSnapshot> Pools { get; init; }

    /// <summary>API keys by the SHA-256 of the key.</summary>
    public required FrozenDictionary<KeyHash, KeySnapshot> Keys { get; init; }

    public required PriceTable Prices { get; init; }

    public required RoutingSnapshot Routing { get; init; }

    public required LimitsSnapshot Limits { get; init; }

    /// <summary>The other gateways over the same replicas; null where this one works alone.</summary>
    public ClusterSnapshot? Cluster { get; init; }
}

/// <summary>One model that clients can name, and the pools that serve it, in order of preference.</summary>
public sealed record ModelSnapshot
{
    public required string Id { get; init; }

    public required string DisplayName { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public ImmutableArray<string> Aliases { get; init; } = [];

    /// <summary>Tokens of prompt and answer together; null where it is not known.</summary>
    public long? ContextWindow { get; init; }

    /// <summary>Tokens of the answer at most; null where it is not known.</summary>
    public long? MaxOutputTokens { get; init; }

    public required ImmutableArray<PoolSnapshot> Pools { get; init; }

    /// <summary>True where every replica is a simulated engine: said wherever the model is shown.</summary>
    public bool Simulated { get; init; }
}

/// <summary>One model on one provider, region and accelerator kind.</summary>
public sealed record PoolSnapshot
{
    /// <summary>Unique name; the identity under which state survives a reload.</summary>
    public required string Name { get; init; }

    /// <summary>The id of the model that the pool serves.</summary>
    public required string Model { get; init; }

    public string Provider { get; init; } = "own";

    public string Region { get; init; } = "local";

    public string Accelerator { get; init; } = "unknown";

    /// <summary>The adapter's name, such as <c>vllm</c>; <c>auto</c> finds out by probing.</summary>
    public string Engine { get; init; } = "auto";

    /// <summary>The name under which the engine serves the model; null sends the client's own.</summary>
    public string? UpstreamModel { get; init; }

    /// <summary>The credential that the engine wants, already read from its source; never logged.</summary>
    public string? UpstreamKey { get; init; }

    public required ImmutableArray<ReplicaSnapshot> Replicas { get; init; }

    public TimeoutsSnapshot Timeouts { get; init; } = TimeoutsSnapshot.Default;

    /// <summary>The name of the policy that picks a replica here; the fleet's where the pool names none.</summary>
    public string Policy { get; init; } = RoutingSnapshot.Default.Policy;

    /// <summary>Prefixes are known by the engine's own tokens, not by bytes of the prompt.</summary>
    public bool KeysAreTokens { get; init; }

    /// <summary>What is configured of the replicas' caches.</summary>
    public CacheSnapshot Cache { get; init; } = CacheSnapshot.Default;

    /// <summary>The objectives of its requests: the model's, but for those that the pool has of its own.</summary>
    public Slo Slo { get; init; }

    public bool Simulated { get; init; }

    /// <summary>The name alone: a record would print its credential.</summary>
    public override string ToString() => Name;
}

/// <summary>One engine endpoint. Its name is unique in its pool and is its identity across reloads.</summary>
public sealed record ReplicaSnapshot(string Name, Uri Url)
{
    /// <summary>The accelerator kind where it differs from the pool's.</summary>
    public string? Accelerator { get; init; }

    /// <summary>Where it says what happens in its cache.</summary>
    public KvEventsSnapshot KvEvents { get; init; } = KvEventsSnapshot.Default;
}

/// <summary>The watchdogs of one pool.</summary>
public sealed record TimeoutsSnapshot
{
    /// <summary>What holds where the document says nothing.</summary>
    public static TimeoutsSnapshot Default { get; } = new();

    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From the end of the request to the first byte of the answer, streams only.</summary>
    public TimeSpan FirstByte { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Silence inside a stream.</summary>
    public TimeSpan BetweenBytes { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A whole answer that is not streamed.</summary>
    public TimeSpan NonStreaming { get; init; } = TimeSpan.FromMinutes(30);
}

/// <summary>What an API key may do. The key itself is not kept anywhere.</summary>
public sealed record KeySnapshot
{
    public required string Id { get; init; }

    public required string Org { get; init; }

    public required string Workspace { get; init; }

    /// <summary>Model ids that the key may use; empty means all.</summary>
    public ImmutableArray<string> Models { get; init; } = [];

    /// <summary>May read the admin API.</summary>
    public bool Admin { get; init; }
}

/// <summary>How requests are routed.</summary>
public sealed record RoutingSnapshot
{
    /// <summary>What holds where the document says nothing.</summary>
    public static RoutingSnapshot Default { get; } = new();

    /// <summary>The name of a policy, such as <c>penstock</c>.</summary>
    public string Policy { get; init; } = "penstock";

    /// <summary>Retries allowed, as a share of the requests of the last seconds (0.1 = one in ten).</summary>
    public double RetryBudget { get; init; } = 0.1;

    /// <summary>Tries of one request at most, the first included.</summary>
    public int AttemptsMax { get; init; } = 3;

    /// <summary>Prefix blocks remembered per replica at most.</summary>
    public int PrefixBlocksMax { get; init; } = 65_536;

    /// <summary>Who is believed to share cached prefixes, one of <see cref="KnownNames.CacheScopes"/>.</summary>
    public string CacheScope { get; init; } = KnownNames.ScopeOrg;
}

/// <summary>What one request may cost us in memory and time.</summary>
public sealed record LimitsSnapshot
{
    /// <summary>What holds where the document says nothing.</summary>
    public static LimitsSnapshot Default { get; } = new();

    /// <summary>Bytes; 32 MiB as the Anthropic API allows.</summary>
    public long BodyBytesMax { get; init; } = 32L * 1024 * 1024;

    /// <summary>Levels of nesting in a body.</summary>
    public int JsonDepthMax { get; init; } = 256;

    /// <summary>Requests in flight at most; more are refused with 529.</summary>
    public int InFlightMax { get; init; } = 16_384;

    /// <summary>Silence after which a stream to a client carries a ping.</summary>
    public TimeSpan PingAfter { get; init; } = TimeSpan.FromSeconds(15);
}
