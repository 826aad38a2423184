using Penstock.Core.Primitives;

namespace Penstock.Core.Metering;

/// <summary>
/// Usage and price where the engine reported none: it died, or the client left before the counts came. Whoever
/// records one marks it as an estimate.
/// </summary>
/// <param name="Usage">The tokens guessed; all of the prompt counts as uncached input.</param>
/// <param name="Price">Their price; null where the model has none.</param>
public readonly record struct CostEstimate(TokenUsage Usage, Money? Price)
{
    /// <summary>
    /// About four characters of English text to a token: the rule of thumb that vendors publish. It is meant as a
    /// floor, since other scripts and code have fewer characters to a token.
    /// </summary>
    public const int BytesPerToken = 4;

    /// <summary>The tokens that so many bytes of text are thought to be, rounded up.</summary>
    public static long TokensOf(long textBytes) =>
        textBytes <= 0 ? 0 : ((textBytes - 1) / BytesPerToken) + 1;

    /// <summary>The estimate for a prompt and an answer of so many tokens.</summary>
    public static CostEstimate Of(
        PriceTable prices, string model, DateTimeOffset at, long promptTokens, long outputTokens)
    {
        var usage = new TokenUsage(promptTokens, 0, 0, 0, outputTokens);
        return new(usage, prices.PriceOf(model, usage, at));
    }
}
