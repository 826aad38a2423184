using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Metering;

namespace Penstock.Core.Tests.Metering;

public sealed class PricePropertyTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly Arbitrary<(TokenUsage A, TokenUsage B, PriceTable Table)> Cases = (
        from a in Usages()
        from b in Usages()
        from table in Tables()
        select (a, b, table)).ToArbitrary();

    [Fact]
    public void Splitting_a_request_changes_its_price_by_one_micro_dollar_at_most() =>
        Prop.ForAll(Cases, x =>
        {
            var together = Price(x.Table, Sum(x.A, x.B));
            var apart = Price(x.Table, x.A) + Price(x.Table, x.B);
            return Math.Abs(together - apart) <= 1;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void More_tokens_never_cost_less() =>
        Prop.ForAll(Cases, x => Price(x.Table, Sum(x.A, x.B)) >= Price(x.Table, x.A)).QuickCheckThrowOnFailure();

    [Fact]
    public void The_price_is_the_decimal_sum_rounded_half_up() =>
        Prop.ForAll(Cases, x => Price(PublishedPrices.Table, x.A) == ByDecimal(x.A)).QuickCheckThrowOnFailure();

    [Fact]
    public void More_tokens_never_cost_less_across_the_published_bands() =>
        Prop.ForAll(Cases, x =>
        {
            var less = PublishedPrices.Table.PriceOf("claude-haiku-5-5", x.A, Now)!.Value;
            var more = PublishedPrices.Table.PriceOf("claude-haiku-5-5", Sum(x.A, x.B), Now)!.Value;
            return more >= less;
        }).QuickCheckThrowOnFailure();

    private static long Price(PriceTable table, in TokenUsage usage) =>
        table.PriceOf("claude-fable-5-1", usage, Now)!.Value.MicroUsd;

    /// <summary>The published fable-5-1 prices, written out independently of the table.</summary>
    private static long ByDecimal(TokenUsage usage) => (long)decimal.Round(
        (usage.Input * 10m) + (usage.CacheWrite5m * 12.5m) + (usage.CacheWrite1h * 20m) + (usage.CacheRead * 0.25m)
        + (usage.Output * 50m),
        MidpointRounding.AwayFromZero);

    private static TokenUsage Sum(TokenUsage a, TokenUsage b) => new(
        a.Input + b.Input,
        a.CacheWrite5m + b.CacheWrite5m,
        a.CacheWrite1h + b.CacheWrite1h,
        a.CacheRead + b.CacheRead,
        a.Output + b.Output);

    private static Gen<TokenUsage> Usages() =>
        from counts in Gen.Choose(0, 150_000).ListOf(5)
        let c = counts.ToArray()
        select new TokenUsage(c[0], c[1], c[2], c[3], c[4]);

    private static Gen<PriceTable> Tables() =>
        from prices in Gen.Choose(0, 100_000_000).ListOf(5)
        let p = prices.Select(price => price / 1_000_000m).ToArray()
        select PriceTable.Build(
        [
            new PriceEntry
            {
                Model = "claude-fable-5-1",
                EffectiveFrom = DateTimeOffset.UnixEpoch,
                Bands =
                [
                    new PriceBand
                    {
                        Input = p[0],
                        CacheWrite5m = p[1],
                        CacheWrite1h = p[2],
                        CacheRead = p[3],
                        Output = p[4],
                    },
                ],
            },
        ]);
}
