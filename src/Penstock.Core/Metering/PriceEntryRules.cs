namespace Penstock.Core.Metering;

/// <summary>
/// What a price entry must keep to. The limits are those within which the arithmetic of <see cref="PricePeriod"/>
/// is exact and cannot overflow.
/// </summary>
internal static class PriceEntryRules
{
    /// <summary>USD per million tokens.</summary>
    public const decimal PriceMax = 100_000m;

    public const decimal MultiplierMax = 10m;

    private const decimal PriceStepsPerUsd = 1_000_000m;
    private const decimal MultiplierSteps = PricePeriod.MultiplierUnit;

    public static List<PriceProblem> Check(IReadOnlyList<PriceEntry> entries)
    {
        var problems = new List<PriceProblem>();
        var seen = new HashSet<(string Model, DateTimeOffset From)>();
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            CheckEntry(i, entry, problems);
            if (!seen.Add((entry.Model, entry.EffectiveFrom.ToUniversalTime())))
            {
                problems.Add(new(i, "effectiveFrom", $"'{entry.Model}' has two entries for the same time"));
            }
        }

        return problems;
    }

    private static void CheckEntry(int index, PriceEntry entry, List<PriceProblem> problems)
    {
        if (string.IsNullOrWhiteSpace(entry.Model))
        {
            problems.Add(new(index, "model", "a model id is needed"));
        }

        CheckMultiplier(index, "batchMultiplier", entry.BatchMultiplier, problems);
        foreach (var (geo, factor) in entry.GeoMultipliers.OrderBy(x => x.Key, StringComparer.Ordinal))
        {
            CheckMultiplier(index, $"geoMultipliers.{geo}", factor, problems);
        }

        foreach (var (speed, factor) in entry.SpeedMultipliers.OrderBy(x => x.Key, StringComparer.Ordinal))
        {
            CheckMultiplier(index, $"speedMultipliers.{speed}", factor, problems);
        }

        if (entry.Bands.IsDefaultOrEmpty)
        {
            problems.Add(new(index, "bands", "at least one band is needed"));
            return;
        }

        CheckBandEnds(index, entry, problems);
        for (var b = 0; b < entry.Bands.Length; b++)
        {
            var band = entry.Bands[b];
            CheckPrice(index, $"bands[{b}].input", band.Input, problems);
            CheckPrice(index, $"bands[{b}].cacheWrite5m", band.CacheWrite5m, problems);
            CheckPrice(index, $"bands[{b}].cacheWrite1h", band.CacheWrite1h, problems);
            CheckPrice(index, $"bands[{b}].cacheRead", band.CacheRead, problems);
            CheckPrice(index, $"bands[{b}].output", band.Output, problems);
        }
    }

    private static void CheckBandEnds(int index, PriceEntry entry, List<PriceProblem> problems)
    {
        var previous = 0L;
        for (var b = 0; b < entry.Bands.Length; b++)
        {
            var path = $"bands[{b}].promptTokensMax";
            var last = b == entry.Bands.Length - 1;
            switch (entry.Bands[b].PromptTokensMax)
            {
                case null when !last:
                    problems.Add(new(index, path, "only the last band may be open"));
                    break;
                case { } when last:
                    problems.Add(new(index, path, "the last band must be open: a longer prompt has no price"));
                    break;
                case { } max when max <= previous:
                    problems.Add(new(index, path, "must be larger than that of the band before"));
                    break;
                case { } max:
                    previous = max;
                    break;
            }
        }
    }

    private static void CheckPrice(int index, string path, decimal price, List<PriceProblem> problems)
    {
        if (price is < 0 or > PriceMax)
        {
            problems.Add(new(index, path, $"must be from 0 to {PriceMax:0} USD per million tokens"));
        }
        else if (decimal.Truncate(price * PriceStepsPerUsd) != price * PriceStepsPerUsd)
        {
            problems.Add(new(index, path, "may have six decimals at most"));
        }
    }

    private static void CheckMultiplier(int index, string path, decimal factor, List<PriceProblem> problems)
    {
        if (factor is < 0 or > MultiplierMax)
        {
            problems.Add(new(index, path, $"must be from 0 to {MultiplierMax:0}"));
        }
        else if (decimal.Truncate(factor * MultiplierSteps) != factor * MultiplierSteps)
        {
            problems.Add(new(index, path, "may have four decimals at most"));
        }
    }
}
