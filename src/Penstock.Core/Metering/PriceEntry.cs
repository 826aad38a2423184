using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Penstock.Core.Metering;

/// <summary>
/// What one model costs from a point in time on, until the next entry of the same model. Prices are in USD per
/// million tokens with at most six decimals, multipliers are plain factors with at most four.
/// </summary>
public sealed record PriceEntry
{
    /// <summary>The model id, compared as is.</summary>
    public required string Model { get; init; }

    /// <summary>The first instant at which the entry holds.</summary>
    public required DateTimeOffset EffectiveFrom { get; init; }

    /// <summary>By rising <see cref="PriceBand.PromptTokensMax"/>; the last one is open.</summary>
    public required ImmutableArray<PriceBand> Bands { get; init; }

    /// <summary>The factor for work sent as a batch.</summary>
    public decimal BatchMultiplier { get; init; } = 1m;

    /// <summary>The factor for each inference geography; one that is not named costs the plain price.</summary>
    public IReadOnlyDictionary<string, decimal> GeoMultipliers { get; init; } = FrozenDictionary<string, decimal>.Empty;

    /// <summary>The factor for each speed; one that is not named costs the plain price.</summary>
    public IReadOnlyDictionary<string, decimal> SpeedMultipliers { get; init; } =
        FrozenDictionary<string, decimal>.Empty;
}

/// <summary>
/// The prices for prompts up to a length, in USD per million tokens. The whole prompt, cache reads and writes
/// included, decides the band, and the band decides the price of every token of the request.
/// </summary>
public sealed record PriceBand
{
    /// <summary>The longest prompt of the band in tokens; null: no end.</summary>
    public long? PromptTokensMax { get; init; }

    public required decimal Input { get; init; }

    public required decimal CacheWrite5m { get; init; }

    public required decimal CacheWrite1h { get; init; }

    public required decimal CacheRead { get; init; }

    public required decimal Output { get; init; }
}

/// <summary>What about a request changes its price besides its tokens.</summary>
/// <param name="Batch">It was sent as part of a batch.</param>
/// <param name="Geo">The inference geography asked for, such as <c>us</c>.</param>
/// <param name="Speed">The speed asked for, such as <c>fast</c>.</param>
public readonly record struct PriceModifiers(bool Batch = false, string? Geo = null, string? Speed = null);

/// <summary>Something wrong with a price entry.</summary>
/// <param name="Entry">The index of the entry in the order given.</param>
/// <param name="Path">The place inside the entry, such as <c>bands[1].input</c>.</param>
/// <param name="Message">What is wrong, in words.</param>
public sealed record PriceProblem(int Entry, string Path, string Message);
