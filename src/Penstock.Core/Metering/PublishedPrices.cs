using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Penstock.Core.Metering;

/// <summary>
/// The Claude prices that Anthropic publishes, as a default where the configuration has none: USD per million tokens.
/// Source: the pricing page of Anthropic's API documentation, as of 2026-08-22 for models up to the 5 generation and
/// as of November 2026 for the later ones. Figures that come from elsewhere or were derived say so below. A model
/// whose price was not found (claude-fable-5-2, claude-mythos-5-2) is left out, which makes it unpriced, not free.
/// </summary>
public static class PublishedPrices
{
    private const string UnitedStates = "us";
    private const string Fast = "fast";

    /// <summary>No start is published for a price that never changed.</summary>
    private static readonly DateTimeOffset FromRelease = DateTimeOffset.MinValue;

    private static readonly DateTimeOffset CheaperCacheReads = new(2026, 10, 7, 0, 0, 0, TimeSpan.Zero);

    private static readonly FrozenDictionary<string, decimal> UsOnly =
        new Dictionary<string, decimal> { [UnitedStates] = 1.1m }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Twice the plain price: third-party figures (10/50 for Opus 5 and 4.8, 8/40 for Opus 5.5).</summary>
    private static readonly FrozenDictionary<string, decimal> FastMode =
        new Dictionary<string, decimal> { [Fast] = 2m }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Every published price, in no particular order.</summary>
    public static ImmutableArray<PriceEntry> Entries { get; } =
    [
        // The cache read price of the 5.1 and 5.5 generations is in part known from third parties only.
        Newer("claude-fable-5-1", Flat(10m, 0.25m, 50m)),
        Newer("claude-mythos-5-1", Flat(10m, 0.25m, 50m)),
        Newer("claude-fable-5", Flat(10m, 1m, 50m)),
        Newer("claude-mythos-5", Flat(10m, 1m, 50m)),
        Newer("claude-opus-5-5", Flat(4m, 0.20m, 20m)) with { SpeedMultipliers = FastMode },
        Newer("claude-opus-5", Flat(5m, 0.50m, 25m)) with { SpeedMultipliers = FastMode },
        Newer("claude-opus-4-8", Flat(5m, 0.50m, 25m)) with { SpeedMultipliers = FastMode },
        Newer("claude-opus-4-7", Flat(5m, 0.50m, 25m)),
        Newer("claude-opus-4-6", Flat(5m, 0.50m, 25m)),
        Newer("claude-sonnet-5-5", Flat(2m, 0.20m, 10m)),
        Newer("claude-sonnet-5-5", Flat(2m, 0.10m, 10m)) with { EffectiveFrom = CheaperCacheReads },
        Newer("claude-sonnet-5", Flat(2m, 0.20m, 10m)),
        Newer("claude-sonnet-4-6", Flat(3m, 0.30m, 15m)),
        // The 1 h write and the cache read of the long band are derived: the same ratios as in the short one.
        Newer(
            "claude-haiku-5-5",
            Flat(0.10m, 0.01m, 0.50m) with { PromptTokensMax = 100_000 },
            Flat(0.50m, 0.05m, 2.50m)),
        .. Dated("claude-opus-4-5", "20251101", Flat(5m, 0.50m, 25m)),
        .. Dated("claude-sonnet-4-5", "20250929", Flat(3m, 0.30m, 15m)),
        .. Dated("claude-haiku-4-5", "20251001", Flat(1m, 0.10m, 5m)),
    ];

    /// <summary>The table of <see cref="Entries"/>.</summary>
    public static PriceTable Table { get; } = PriceTable.Build(Entries);

    /// <summary>From the 4.6 generation on: a premium for the US geography, and one id per model.</summary>
    private static PriceEntry Newer(string model, params ImmutableArray<PriceBand> bands) =>
        Older(model, bands) with { GeoMultipliers = UsOnly };

    private static PriceEntry Older(string model, ImmutableArray<PriceBand> bands) => new()
    {
        Model = model,
        EffectiveFrom = FromRelease,
        Bands = bands,
        BatchMultiplier = 0.5m,
    };

    /// <summary>Up to the 4.5 generation: known under an alias and under a dated id.</summary>
    private static ImmutableArray<PriceEntry> Dated(string alias, string date, PriceBand band) =>
        [Older(alias, [band]), Older($"{alias}-{date}", [band])];

    /// <summary>On every model a cache write costs 1.25 times the input for five minutes, twice for an hour.</summary>
    private static PriceBand Flat(decimal input, decimal cacheRead, decimal output) => new()
    {
        Input = input,
        CacheWrite5m = input * 1.25m,
        CacheWrite1h = input * 2m,
        CacheRead = cacheRead,
        Output = output,
    };
}
