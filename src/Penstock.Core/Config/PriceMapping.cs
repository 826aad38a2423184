using System.Collections.Immutable;
using Penstock.Core.Metering;

namespace Penstock.Core.Config;

/// <summary>
/// The one place that turns price settings into the price table. The document has a row for each model, date and
/// prompt length; the table an entry for each model and date with a band for each length.
/// </summary>
internal static class PriceMapping
{
    /// <summary>
    /// The table for <paramref name="config"/>: its own prices, and the published ones for models that it has none for.
    /// </summary>
    public static PriceTable ToTable(PenstockConfig config, Func<string, string?> idOf)
    {
        var own = Entries(config, idOf).Select(static e => e.Entry).ToList();
        var priced = own.Select(static e => e.Model).ToHashSet(StringComparer.Ordinal);
        var ids = config.Models.Select(static m => m.Id).ToHashSet(StringComparer.Ordinal);
        var published = PublishedPrices.Entries.Where(e => ids.Contains(e.Model) && !priced.Contains(e.Model));
        return PriceTable.Build(own.Concat(published));
    }

    /// <summary>The entries, each with the index of its first row; rows of unknown models are left out.</summary>
    public static IReadOnlyList<(PriceEntry Entry, int Row)> Entries(
        PenstockConfig config, Func<string, string?> idOf) =>
    [
        .. config.Prices
            .Select((price, row) => (Price: price, Row: row, Id: idOf(price.Model ?? "")))
            .Where(static p => p.Id is not null)
            .GroupBy(static p => (p.Id, From: StartOf(p.Price)))
            .Select(static group => (
                Entry: new PriceEntry
                {
                    Model = group.Key.Id!,
                    EffectiveFrom = group.Key.From,
                    Bands = Bands(group.Select(static p => p.Price)),
                },
                group.Min(static p => p.Row))),
    ];

    /// <summary>The first moment of a price.</summary>
    public static DateTimeOffset StartOf(PriceConfig price) =>
        price.EffectiveFrom?.ToUniversalTime() ?? DateTimeOffset.MinValue;

    private static ImmutableArray<PriceBand> Bands(IEnumerable<PriceConfig> rows)
    {
        PriceConfig[] rising = [.. rows.OrderBy(static r => r.AbovePromptTokens)];
        return
        [
            .. rising.Select((row, i) => new PriceBand
            {
                PromptTokensMax = i + 1 < rising.Length ? rising[i + 1].AbovePromptTokens : null,
                Input = row.Input,
                Output = row.Output,
                CacheWrite5m = row.CacheWrite5m ?? row.Input,
                CacheWrite1h = row.CacheWrite1h ?? row.Input,
                CacheRead = row.CacheRead ?? row.Input,
            }),
        ];
    }
}
