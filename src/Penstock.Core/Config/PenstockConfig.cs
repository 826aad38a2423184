using System.Collections.Immutable;

namespace Penstock.Core.Config;

/// <summary>
/// The one document, as the user wrote it: immutable, not yet checked. A key of the document is the property's name in
/// snake_case. <see cref="ConfigCompiler"/> turns it into a <see cref="FleetSnapshot"/> or says all that is wrong.
/// </summary>
public sealed record PenstockConfig
{
    [Setting("Where the gateway listens and keeps its data.")]
    public ServerConfig Server { get; init; } = new();

    [Setting("What one request, and all of them together, may cost in memory and time.")]
    public LimitsConfig Limits { get; init; } = new();

    [Setting("How a replica is chosen and how often a request is tried.")]
    public RoutingConfig Routing { get; init; } = new();

    [Setting("The models that clients can name.")]
    public ImmutableArray<ModelConfig> Models { get; init; } = [];

    [Setting("Where unknown model names go; without it they are refused.")]
    public string? DefaultModel { get; init; }

    [Setting("Refuse unknown model names even where default_model is set.")]
    public bool StrictModels { get; init; }

    [Setting("The pools of replicas that serve the models, in order of preference.")]
    public ImmutableArray<PoolConfig> Pools { get; init; } = [];

    [Setting("The API keys that clients use.")]
    public ImmutableArray<KeyConfig> Keys { get; init; } = [];

    [Setting("What tokens cost, from when, and for prompts of which length.")]
    public ImmutableArray<PriceConfig> Prices { get; init; } = [];

    [Setting("Other gateways over the same replicas; without it this one works alone.")]
    public ClusterConfig? Cluster { get; init; }

    [Setting("How usage is written down.")]
    public LedgerConfig Ledger { get; init; } = new();

    [Setting("The record of every decision, for replay.")]
    public DecisionLogConfig DecisionLog { get; init; } = new();

    [Setting("Logs and traces.")]
    public TelemetryConfig Telemetry { get; init; } = new();
}

/// <summary>Where the gateway listens and keeps its data. Read once, at the start.</summary>
public sealed record ServerConfig
{
    [Setting("Address of the data port.", Restart = true)]
    public string Host { get; init; } = "127.0.0.1";

    [Setting("Port that clients use; 0 takes a free one.", Min = 0, Max = 65_535, Restart = true)]
    public int Port { get; init; } = 8080;

    [Setting("Address of the admin port; keep it away from clients.", Restart = true)]
    public string AdminHost { get; init; } = "127.0.0.1";

    [Setting("Port of the admin API and the metrics; 0 takes a free one.", Min = 0, Max = 65_535, Restart = true)]
    public int AdminPort { get; init; } = 8081;

    [Setting("Directory of the ledger and the generated key.", Restart = true)]
    public string Data { get; init; } = "./.penstock";

    [Setting("How long requests in flight may take to end after the signal to stop.", Min = 0, Max = 86_400,
        Restart = true)]
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>What requests may cost; becomes <see cref="LimitsSnapshot"/>.</summary>
public sealed record LimitsConfig
{
    [Setting("Largest request body.", Min = 1024, Max = 1L << 30)]
    public ByteSize BodyMax { get; init; } = new(LimitsSnapshot.Default.BodyBytesMax);

    [Setting("Deepest nesting of a request body, in levels.", Min = 8, Max = 1_024, Restart = true)]
    public int JsonDepthMax { get; init; } = LimitsSnapshot.Default.JsonDepthMax;

    [Setting("Requests in flight at most; more are refused.", Min = 1, Max = 1_000_000)]
    public int InFlightMax { get; init; } = LimitsSnapshot.Default.InFlightMax;

    [Setting("Silence after which a stream to a client carries a ping.", Min = 1, Max = 600)]
    public TimeSpan PingAfter { get; init; } = LimitsSnapshot.Default.PingAfter;
}

/// <summary>How requests are routed; becomes <see cref="RoutingSnapshot"/>.</summary>
public sealed record RoutingConfig
{
    [Setting("The rule that picks a replica, for pools that name none.", Vocabulary = Vocabulary.Policies)]
    public string Policy { get; init; } = RoutingSnapshot.Default.Policy;

    [Setting("Retries allowed, as a share of recent requests (0.1 is one in ten).", Min = 0, Max = 1)]
    public double RetryBudget { get; init; } = RoutingSnapshot.Default.RetryBudget;

    [Setting("Tries of one request at most, the first included.", Min = 1, Max = 10)]
    public int AttemptsMax { get; init; } = RoutingSnapshot.Default.AttemptsMax;

    [Setting("Who shares cached prefixes; must match the engines (cache_salt). Too wide predicts hits that do not "
        + "happen.", Vocabulary = Vocabulary.CacheScopes)]
    public string CacheScope { get; init; } = RoutingSnapshot.Default.CacheScope;

    [Setting("Prefix blocks remembered for each replica at most.", Min = 1, Max = 16_777_216)]
    public int PrefixBlocksMax { get; init; } = RoutingSnapshot.Default.PrefixBlocksMax;
}

/// <summary>How usage is written down. Read once, at the start.</summary>
public sealed record LedgerConfig
{
    [Setting("Size of the journal at which new requests are refused, because storage has been gone for long.",
        Min = 64 << 20, Max = 1L << 40, Restart = true)]
    public ByteSize JournalMax { get; init; } = new(1L << 30);

    [Setting("How often the journal is forced to disk: what a power failure may cost.", Min = 0.001, Max = 1,
        Restart = true)]
    public TimeSpan FlushEvery { get; init; } = TimeSpan.FromMilliseconds(5);
}

/// <summary>The decision logs. Read once, at the start.</summary>
public sealed record DecisionLogConfig
{
    [Setting("Write down what every pool decides and what happens to it, for penstock replay.", Restart = true)]
    public bool Enabled { get; init; } = true;

    [Setting("Size of all decision logs together; the oldest are deleted.", Min = 16 << 20, Max = 1L << 40,
        Restart = true)]
    public ByteSize MaxSize { get; init; } = new(256L << 20);
}

/// <summary>Logs and traces. Read once, at the start.</summary>
public sealed record TelemetryConfig
{
    [Setting("Where traces and metrics go, as OTLP over HTTP; without it neither is exported.", Restart = true)]
    public Uri? OtlpEndpoint { get; init; }

    [Setting("The least important messages that are logged.", Vocabulary = Vocabulary.LogLevels, Restart = true)]
    public string LogLevel { get; init; } = "information";
}
