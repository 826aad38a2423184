using Penstock.Core.Metering;

namespace Penstock.Core.Tests.Metering;

public sealed class PublishedPricesTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Micro-USD for a million tokens of each category, as a bill would show them.</summary>
    [Theory]
    [InlineData("claude-fable-5-1", 10_000_000, 12_500_000, 20_000_000, 250_000, 50_000_000)]
    [InlineData("claude-fable-5", 10_000_000, 12_500_000, 20_000_000, 1_000_000, 50_000_000)]
    [InlineData("claude-mythos-5-1", 10_000_000, 12_500_000, 20_000_000, 250_000, 50_000_000)]
    [InlineData("claude-opus-5-5", 4_000_000, 5_000_000, 8_000_000, 200_000, 20_000_000)]
    [InlineData("claude-opus-4-6", 5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)]
    [InlineData("claude-opus-4-5-20251101", 5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)]
    [InlineData("claude-sonnet-5-5", 2_000_000, 2_500_000, 4_000_000, 100_000, 10_000_000)]
    [InlineData("claude-sonnet-4-5", 3_000_000, 3_750_000, 6_000_000, 300_000, 15_000_000)]
    [InlineData("claude-haiku-5-5", 500_000, 625_000, 1_000_000, 50_000, 500_000)]
    [InlineData("claude-haiku-4-5", 1_000_000, 1_250_000, 2_000_000, 100_000, 5_000_000)]
    public void A_million_tokens_of_each_category_cost_what_is_published(
        string model, long input, long write5m, long write1h, long read, long output)
    {
        const long Million = 1_000_000;

        Assert.Equal(input, Price(model, new(Million, 0, 0, 0, 0)));
        Assert.Equal(write5m, Price(model, new(0, Million, 0, 0, 0)));
        Assert.Equal(write1h, Price(model, new(0, 0, Million, 0, 0)));
        Assert.Equal(read, Price(model, new(0, 0, 0, Million, 0)));
        Assert.Equal(output, Price(model, new(0, 0, 0, 0, Million)));
    }

    [Fact]
    public void Haiku_is_five_times_dearer_once_the_prompt_is_above_a_hundred_thousand_tokens()
    {
        Assert.Equal(10_000, Price("claude-haiku-5-5", new(100_000, 0, 0, 0, 0)));
        Assert.Equal(50_001, Price("claude-haiku-5-5", new(100_001, 0, 0, 0, 0)));
        Assert.Equal(1_000 + 500, Price("claude-haiku-5-5", new(0, 0, 0, 100_000, 1000)));
        Assert.Equal(5_000 + 2_501, Price("claude-haiku-5-5", new(1, 0, 0, 100_000, 1000)));
    }

    [Fact]
    public void Sonnet_cache_reads_became_half_as_dear_in_October()
    {
        var change = new DateTimeOffset(2026, 10, 7, 0, 0, 0, TimeSpan.Zero);
        var usage = new TokenUsage(0, 0, 0, 1_000_000, 0);

        Assert.Equal(200_000, PublishedPrices.Table.PriceOf("claude-sonnet-5-5", usage, change.AddTicks(-1))?.MicroUsd);
        Assert.Equal(100_000, PublishedPrices.Table.PriceOf("claude-sonnet-5-5", usage, change)?.MicroUsd);
    }

    [Fact]
    public void Batches_the_US_geography_and_fast_mode_change_the_price()
    {
        var usage = new TokenUsage(1000, 0, 0, 0, 1000);

        Assert.Equal(24_000, Price("claude-opus-5-5", usage));
        Assert.Equal(12_000, Price("claude-opus-5-5", usage, new(Batch: true)));
        Assert.Equal(26_400, Price("claude-opus-5-5", usage, new(Geo: "us")));
        Assert.Equal(48_000, Price("claude-opus-5-5", usage, new(Speed: "fast")));
        Assert.Equal(6_000, Price("claude-haiku-4-5", usage, new(Geo: "us")));
    }

    [Fact]
    public void A_model_whose_price_is_not_known_is_unpriced() =>
        Assert.Null(Price("claude-fable-5-2", new(1, 0, 0, 0, 1)));

    [Theory]
    [InlineData(-5, 0)]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(long.MaxValue, (long.MaxValue / 4) + 1)]
    public void Four_bytes_of_text_are_taken_for_a_token(long bytes, long tokens) =>
        Assert.Equal(tokens, CostEstimate.TokensOf(bytes));

    [Fact]
    public void An_estimate_counts_the_whole_prompt_as_uncached_input()
    {
        var estimate = CostEstimate.Of(PublishedPrices.Table, "claude-haiku-4-5", Now, 1000, 10);

        Assert.Equal(new TokenUsage(1000, 0, 0, 0, 10), estimate.Usage);
        Assert.Equal(1050, estimate.Price?.MicroUsd);
    }

    private static long? Price(string model, TokenUsage usage, PriceModifiers modifiers = default) =>
        PublishedPrices.Table.PriceOf(model, usage, Now, modifiers)?.MicroUsd;
}
