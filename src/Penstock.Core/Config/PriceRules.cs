using Penstock.Core.Metering;

namespace Penstock.Core.Config;

/// <summary>What must hold for prices: each model, date and prompt length has one.</summary>
internal static class PriceRules
{
    private const int DecimalsMax = 6;

    public static void Check(PenstockConfig config, ModelRules models, ConfigErrors errors)
    {
        var before = errors.Count;
        var bands = new Dictionary<(string Model, DateTimeOffset From, long Above), string>();
        for (var i = 0; i < config.Prices.Length; i++)
        {
            var path = $"prices[{i}]";
            var price = config.Prices[i];
            models.Reference($"{path}.model", price.Model);
            Decimals($"{path}.input", price.Input, errors);
            Decimals($"{path}.output", price.Output, errors);
            Decimals($"{path}.cache_write_5m", price.CacheWrite5m, errors);
            Decimals($"{path}.cache_write_1h", price.CacheWrite1h, errors);
            Decimals($"{path}.cache_read", price.CacheRead, errors);
            if (models.IdOf(price.Model ?? "") is { } id)
            {
                var band = (id, PriceMapping.StartOf(price), price.AbovePromptTokens);
                if (!bands.TryAdd(band, path))
                {
                    errors.Add(
                        path, $"prices the same model, date and prompt length as {bands[band]}; remove one of the two");
                }
            }
        }

        var entries = PriceMapping.Entries(config, models.IdOf);
        foreach (var (entry, row) in entries)
        {
            if (!bands.ContainsKey((entry.Model, entry.EffectiveFrom, 0)))
            {
                errors.Add(
                    $"prices[{row}].above_prompt_tokens",
                    $"leaves short prompts of '{entry.Model}' without a price; "
                    + "add an entry of the same date without it");
            }
        }

        if (errors.Count == before)
        {
            Arithmetic(entries, errors);
        }
    }

    private static void Decimals(string path, decimal? price, ConfigErrors errors)
    {
        if (price is { } usd && decimal.Round(usd, DecimalsMax) != usd)
        {
            errors.Add(path, $"has more than {DecimalsMax} decimals; round it");
        }
    }

    // The table has the last word on what it can compute exactly.
    private static void Arithmetic(IReadOnlyList<(PriceEntry Entry, int Row)> entries, ConfigErrors errors)
    {
        foreach (var problem in PriceTable.Validate(entries.Select(static e => e.Entry)))
        {
            errors.Add($"prices[{entries[problem.Entry].Row}]", $"{problem.Path}: {problem.Message}");
        }
    }
}
