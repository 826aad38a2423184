using System.Collections.Frozen;
using Penstock.Core.Primitives;

namespace Penstock.Core.Metering;

/// <summary>
/// One price entry, compiled to integers. Prices are whole pico-USD per token (USD per million tokens with six
/// decimals), multipliers whole ten-thousandths, so that the sum over the categories is exact and only its last step
/// rounds.
/// </summary>
internal sealed class PricePeriod
{
    /// <summary>A multiplier of one.</summary>
    public const int MultiplierUnit = 10_000;

    private const long PicoPerMicro = 1_000_000;

    /// <summary>Of a pico-USD amount after three multipliers, how many units make a micro-USD.</summary>
    private static readonly UInt128 Divisor =
        (UInt128)PicoPerMicro * MultiplierUnit * MultiplierUnit * MultiplierUnit;

    private readonly Band[] _bands;
    private readonly long _batch;
    private readonly FrozenDictionary<string, long> _geo;
    private readonly FrozenDictionary<string, long> _speed;

    public PricePeriod(PriceEntry entry)
    {
        From = entry.EffectiveFrom.ToUniversalTime();
        _bands = [.. entry.Bands.Select(band => new Band(band))];
        _batch = ToUnits(entry.BatchMultiplier);
        _geo = ToUnits(entry.GeoMultipliers);
        _speed = ToUnits(entry.SpeedMultipliers);
    }

    /// <summary>The first instant at which the prices hold.</summary>
    public DateTimeOffset From { get; }

    /// <summary>Sums exactly and rounds once, half up, to whole micro-USD.</summary>
    public Money PriceOf(in TokenUsage usage, in PriceModifiers modifiers)
    {
        var pico = BandOf(usage.Prompt).PicoUsd(usage);
        var scaled = pico
            * (UInt128)(modifiers.Batch ? _batch : MultiplierUnit)
            * (UInt128)Factor(_geo, modifiers.Geo)
            * (UInt128)Factor(_speed, modifiers.Speed);
        return new Money((long)((scaled + (Divisor / 2)) / Divisor));
    }

    private Band BandOf(long promptTokens)
    {
        foreach (var band in _bands)
        {
            if (promptTokens <= band.PromptTokensMax)
            {
                return band;
            }
        }

        throw new InvariantException("the last band is open");
    }

    private static long Factor(FrozenDictionary<string, long> factors, string? name) =>
        name is not null && factors.TryGetValue(name, out var factor) ? factor : MultiplierUnit;

    private static long ToUnits(decimal multiplier) => (long)(multiplier * MultiplierUnit);

    private static FrozenDictionary<string, long> ToUnits(IReadOnlyDictionary<string, decimal> multipliers) =>
        multipliers.ToFrozenDictionary(x => x.Key, x => ToUnits(x.Value), StringComparer.Ordinal);

    private sealed class Band(PriceBand band)
    {
        private readonly ulong _input = ToPico(band.Input);
        private readonly ulong _cacheWrite5m = ToPico(band.CacheWrite5m);
        private readonly ulong _cacheWrite1h = ToPico(band.CacheWrite1h);
        private readonly ulong _cacheRead = ToPico(band.CacheRead);
        private readonly ulong _output = ToPico(band.Output);

        public long PromptTokensMax { get; } = band.PromptTokensMax ?? long.MaxValue;

        public UInt128 PicoUsd(in TokenUsage usage) =>
            ((UInt128)(ulong)usage.Input * _input)
            + ((UInt128)(ulong)usage.CacheWrite5m * _cacheWrite5m)
            + ((UInt128)(ulong)usage.CacheWrite1h * _cacheWrite1h)
            + ((UInt128)(ulong)usage.CacheRead * _cacheRead)
            + ((UInt128)(ulong)usage.Output * _output);

        private static ulong ToPico(decimal usdPerMillionTokens) => (ulong)(usdPerMillionTokens * PicoPerMicro);
    }
}
