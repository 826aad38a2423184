using System.Collections.Immutable;

namespace Penstock.Core.Config;

/// <summary>One model that clients can name; becomes <see cref="ModelSnapshot"/>.</summary>
public sealed record ModelConfig
{
    [Setting("The name that clients send.")]
    public required string Id { get; init; }

    [Setting("Other names for the same model.")]
    public ImmutableArray<string> Aliases { get; init; } = [];

    [Setting("The name shown to people; the id where it is missing.")]
    public string? DisplayName { get; init; }

    [Setting("Tokens of prompt and answer together.", Min = 1, Max = 100_000_000)]
    public long? ContextWindow { get; init; }

    [Setting("Tokens of the answer at most.", Min = 1, Max = 100_000_000)]
    public long? MaxOutputTokens { get; init; }

    [Setting("When the model came out, as shown in the model list.")]
    public DateTimeOffset? Created { get; init; }

    [Setting("How soon the tokens of its answers are to come; the policies penstock, llmd-slo and dualmap aim at it.")]
    public SloConfig Slo { get; init; } = new();
}

/// <summary>One model on one provider, region and accelerator kind; becomes <see cref="PoolSnapshot"/>.</summary>
public sealed record PoolConfig
{
    [Setting("Unique name; counters and what is known of caches survive a reload under it.")]
    public required string Name { get; init; }

    [Setting("The model that the pool serves: an id or an alias from models.")]
    public required string Model { get; init; }

    [Setting("The cloud or data centre.")]
    public string Provider { get; init; } = "own";

    [Setting("The region.")]
    public string Region { get; init; } = "local";

    [Setting("The kind of accelerator, such as h100.")]
    public string Accelerator { get; init; } = "unknown";

    [Setting("What the replicas run; auto finds out by asking them.", Vocabulary = Vocabulary.Engines)]
    public string Engine { get; init; } = "auto";

    [Setting("The name under which the engine serves the model; without it the client's own is sent.")]
    public string? UpstreamModel { get; init; }

    [Setting("Where the key that the engine wants comes from.", Secret = true)]
    public CredentialConfig? Credential { get; init; }

    [Setting("The engine endpoints: a URL each, or a mapping.")]
    public required ImmutableArray<ReplicaConfig> Replicas { get; init; } = [];

    [Setting("How long the replicas may be silent.")]
    public TimeoutsConfig Timeouts { get; init; } = new();

    [Setting("The rule that picks a replica of this pool; routing.policy where it is missing.",
        Vocabulary = Vocabulary.Policies)]
    public string? Policy { get; init; }

    [Setting("What prefixes are known by: bytes of the prompt, or tokens. tokens needs the engine's events, and asks "
        + "it once for the tokens of each new prompt.", Vocabulary = Vocabulary.PrefixKeys)]
    public string PrefixKeys { get; init; } = KnownNames.KeysBytes;

    [Setting("Where the engines say what happens in their caches.")]
    public KvEventsConfig KvEvents { get; init; } = new();

    [Setting("What the cache of each replica is like, where its engine does not tell or tells otherwise.")]
    public CacheConfig Cache { get; init; } = new();

    [Setting("Objectives that differ from the model's here.")]
    public SloConfig Slo { get; init; } = new();

    [Setting("The replicas are simulated engines, which is said wherever the model is shown.")]
    public bool Simulated { get; init; }
}

/// <summary>One engine endpoint; becomes <see cref="ReplicaSnapshot"/>.</summary>
[ScalarForm(nameof(Url))]
public sealed record ReplicaConfig
{
    [Setting("The endpoint's address up to where its API paths start, such as http://10.0.0.5:8000.")]
    public required Uri Url { get; init; }

    [Setting("Unique in the pool; host, port and path of the URL where it is missing.")]
    public string? Name { get; init; }

    [Setting("The kind of accelerator where it differs from the pool's.")]
    public string? Accelerator { get; init; }

    [Setting("Where this one says what happens in its cache; replaces the pool's kv_events as a whole.")]
    public KvEventsConfig? KvEvents { get; init; }
}

/// <summary>The watchdogs of a pool; becomes <see cref="TimeoutsSnapshot"/>.</summary>
public sealed record TimeoutsConfig
{
    private const int LongestSeconds = 86_400;

    [Setting("To open a connection.", Min = 0.001, Max = LongestSeconds)]
    public TimeSpan Connect { get; init; } = TimeoutsSnapshot.Default.Connect;

    [Setting("From the end of the request to the first byte of a streamed answer.", Min = 0.001, Max = LongestSeconds)]
    public TimeSpan FirstByte { get; init; } = TimeoutsSnapshot.Default.FirstByte;

    [Setting("Silence inside a stream.", Min = 0.001, Max = LongestSeconds)]
    public TimeSpan BetweenBytes { get; init; } = TimeoutsSnapshot.Default.BetweenBytes;

    [Setting("A whole answer that is not streamed.", Min = 0.001, Max = LongestSeconds)]
    public TimeSpan NonStreaming { get; init; } = TimeoutsSnapshot.Default.NonStreaming;
}

/// <summary>How soon the tokens of an answer are to come; becomes <see cref="Routing.Slo"/>.</summary>
public sealed record SloConfig
{
    private const int LongestSeconds = 3_600;

    [Setting("From the decision to the first token; none where it is missing, or 0s.", Min = 0, Max = LongestSeconds)]
    public TimeSpan? FirstToken { get; init; }

    [Setting("For each token after it, in the mean; none where it is missing, or 0s.", Min = 0, Max = LongestSeconds)]
    public TimeSpan? PerToken { get; init; }
}

/// <summary>Where a credential comes from: exactly one of the two.</summary>
[ExactlyOne]
public sealed record CredentialConfig
{
    [Setting("Name of an environment variable.", Secret = true)]
    public string? Env { get; init; }

    [Setting("Path of a file, relative to the document's folder.")]
    public string? File { get; init; }
}

/// <summary>One API key; becomes <see cref="KeySnapshot"/>.</summary>
public sealed record KeyConfig
{
    [Setting("Unique name of the key, as shown in usage and logs.")]
    public required string Id { get; init; }

    [Setting("The organisation that owns the key.")]
    public string Org { get; init; } = "default";

    [Setting("The workspace inside the organisation.")]
    public string Workspace { get; init; } = "default";

    [Setting("How the key is known; the key itself is never written into the document.", Secret = true)]
    public required KeySecretConfig Secret { get; init; }

    [Setting("Models that the key may use, by id or alias; all where it is missing or empty.")]
    public ImmutableArray<string> Models { get; init; } = [];

    [Setting("May read the admin API.")]
    public bool Admin { get; init; }
}

/// <summary>How an API key is known: exactly one of the three.</summary>
[ExactlyOne]
public sealed record KeySecretConfig
{
    [Setting("SHA-256 of the key in 64 hex digits.", Secret = true)]
    public string? Sha256 { get; init; }

    [Setting("Name of an environment variable that holds the key.", Secret = true)]
    public string? Env { get; init; }

    [Setting("Path of a file that holds the key, relative to the document's folder.")]
    public string? File { get; init; }
}

/// <summary>
/// What the tokens of one model cost from a date on, for prompts longer than a bound. All prices are USD for a million
/// tokens of their category.
/// </summary>
public sealed record PriceConfig
{
    private const double Highest = 100_000;

    [Setting("The model, by id or alias.")]
    public required string Model { get; init; }

    [Setting("The first moment at which the price holds; from the beginning of time where it is missing.")]
    public DateTimeOffset? EffectiveFrom { get; init; }

    [Setting("Holds for prompts of more tokens than this, up to the next entry's bound.", Min = 0, Max = 1e9)]
    public long AbovePromptTokens { get; init; }

    [Setting("USD per million prompt tokens that no cache took part in.", Min = 0, Max = Highest)]
    public required decimal Input { get; init; }

    [Setting("USD per million tokens of the answer.", Min = 0, Max = Highest)]
    public required decimal Output { get; init; }

    [Setting("USD per million tokens written to a 5 minute cache; the input price where it is missing.",
        Name = "cache_write_5m", Min = 0, Max = Highest)]
    public decimal? CacheWrite5m { get; init; }

    [Setting("USD per million tokens written to a 1 hour cache; the input price where it is missing.",
        Name = "cache_write_1h", Min = 0, Max = Highest)]
    public decimal? CacheWrite1h { get; init; }

    [Setting("USD per million tokens read from a cache; the input price where it is missing.", Min = 0, Max = Highest)]
    public decimal? CacheRead { get; init; }
}
