using System.Collections.Immutable;
using Penstock.Core.Metering;

namespace Penstock.Core.Config;

/// <summary>The one place that turns price settings into the price table.</summary>
internal static class PriceMapping
{
    // The table's builder arrives with the metering room; until then what is written here is checked but not priced.
    public static PriceTable ToTable(ImmutableArray<PriceConfig> prices, Func<string, string> idOf)
    {
        _ = prices;
        _ = idOf;
        return PriceTable.Empty;
    }
}
