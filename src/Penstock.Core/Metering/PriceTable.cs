using System.Collections.Frozen;
using Penstock.Core.Primitives;

namespace Penstock.Core.Metering;

/// <summary>
/// Effective-dated prices, banded by prompt length, per token category. Immutable and safe to read from any thread.
/// A price is the exact sum over the categories and multipliers, rounded once, half up, to a whole micro-USD.
/// </summary>
public sealed class PriceTable
{
    /// <summary>Each model's periods by rising start.</summary>
    private readonly FrozenDictionary<string, PricePeriod[]> _periods;

    private PriceTable(FrozenDictionary<string, PricePeriod[]> periods) => _periods = periods;

    /// <summary>A table without prices: everything is unpriced.</summary>
    public static PriceTable Empty { get; } = new(FrozenDictionary<string, PricePeriod[]>.Empty);

    /// <summary>All that is wrong with the entries; empty where <see cref="Build"/> takes them.</summary>
    public static IReadOnlyList<PriceProblem> Validate(IEnumerable<PriceEntry> entries) =>
        PriceEntryRules.Check([.. entries]);

    /// <summary>The table of the entries, in any order.</summary>
    /// <exception cref="ArgumentException">An entry breaks a rule; <see cref="Validate"/> says which.</exception>
    public static PriceTable Build(IEnumerable<PriceEntry> entries)
    {
        PriceEntry[] all = [.. entries];
        if (PriceEntryRules.Check(all) is [var first, ..])
        {
            throw new ArgumentException($"price {first.Entry}, {first.Path}: {first.Message}", nameof(entries));
        }

        return new(all
            .GroupBy(entry => entry.Model, StringComparer.Ordinal)
            .ToFrozenDictionary(
                group => group.Key,
                group => group.Select(entry => new PricePeriod(entry)).OrderBy(period => period.From).ToArray(),
                StringComparer.Ordinal));
    }

    /// <summary>
    /// The price of <paramref name="usage"/> for <paramref name="model"/> at the given time. Null where there is no
    /// price, and where the usage cannot be believed (a negative count, or one above
    /// <see cref="TokenUsage.CategoryMax"/>): what an engine reports is not trusted to be sane.
    /// </summary>
    public Money? PriceOf(
        string model, in TokenUsage usage, DateTimeOffset at, in PriceModifiers modifiers = default)
    {
        if (!_periods.TryGetValue(model, out var periods) || usage != usage.Bounded())
        {
            return null;
        }

        for (var i = periods.Length - 1; i >= 0; i--)
        {
            if (periods[i].From <= at)
            {
                return periods[i].PriceOf(usage, modifiers);
            }
        }

        return null;
    }
}
