namespace Penstock.Core.Config;

/// <summary>What must hold for prices: each model, date and prompt length has one.</summary>
internal static class PriceRules
{
    public static void Check(PenstockConfig config, ModelRules models, ConfigErrors errors)
    {
        var bands = new Dictionary<(string Model, DateTimeOffset From, long Above), string>();
        var dates = new Dictionary<(string Model, DateTimeOffset From), (string Path, bool HasBase)>();
        for (var i = 0; i < config.Prices.Length; i++)
        {
            var path = $"prices[{i}]";
            var price = config.Prices[i];
            models.Reference($"{path}.model", price.Model);
            if (models.IdOf(price.Model ?? "") is not { } id)
            {
                continue;
            }

            var from = price.EffectiveFrom ?? DateTimeOffset.MinValue;
            if (!bands.TryAdd((id, from, price.AbovePromptTokens), path))
            {
                var first = bands[(id, from, price.AbovePromptTokens)];
                errors.Add(path, $"prices the same model, date and prompt length as {first}; remove one of the two");
            }

            dates.TryGetValue((id, from), out var date);
            dates[(id, from)] = (date.Path ?? path, date.HasBase || price.AbovePromptTokens == 0);
        }

        foreach (var ((model, _), (path, hasBase)) in dates.OrderBy(static d => d.Value.Path, StringComparer.Ordinal))
        {
            if (!hasBase)
            {
                errors.Add(
                    $"{path}.above_prompt_tokens",
                    $"leaves short prompts of '{model}' without a price; add an entry of the same date without it");
            }
        }
    }
}
