using Penstock.Core.Metering;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Metering;

public sealed class PriceTableTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Each_category_has_its_own_price()
    {
        var table = PriceTable.Build([Entry() with { Bands = [Band(1m, 2m, 3m, 4m, 5m)] }]);

        Assert.Equal(1, Micro(table.PriceOf("m", new TokenUsage(1, 0, 0, 0, 0), Now)));
        Assert.Equal(2, Micro(table.PriceOf("m", new TokenUsage(0, 1, 0, 0, 0), Now)));
        Assert.Equal(3, Micro(table.PriceOf("m", new TokenUsage(0, 0, 1, 0, 0), Now)));
        Assert.Equal(4, Micro(table.PriceOf("m", new TokenUsage(0, 0, 0, 1, 0), Now)));
        Assert.Equal(5, Micro(table.PriceOf("m", new TokenUsage(0, 0, 0, 0, 1), Now)));
        Assert.Equal(12345, Micro(table.PriceOf("m", new TokenUsage(2345, 1000, 1000, 1000, 200), Now)));
    }

    [Fact]
    public void Thinking_is_part_of_the_output_and_costs_nothing_more()
    {
        var table = PriceTable.Build([Entry()]);

        Assert.Equal(
            table.PriceOf("m", new TokenUsage(10, 0, 0, 0, 20), Now),
            table.PriceOf("m", new TokenUsage(10, 0, 0, 0, 20, Thinking: 15), Now));
    }

    [Theory]
    [InlineData(1, 0)] // 0.4 micro-USD
    [InlineData(2, 1)] // 0.8
    [InlineData(5, 2)] // 2.0
    public void Fractions_are_rounded_to_the_nearest_micro_dollar(long tokens, long expected)
    {
        var table = PriceTable.Build([Entry() with { Bands = [Band(0.4m, 0, 0, 0, 0)] }]);

        Assert.Equal(expected, Micro(table.PriceOf("m", new TokenUsage(tokens, 0, 0, 0, 0), Now)));
    }

    [Fact]
    public void A_half_is_rounded_up()
    {
        var table = PriceTable.Build([Entry() with { Bands = [Band(0.5m, 0, 0, 0, 0)] }]);

        Assert.Equal(1, Micro(table.PriceOf("m", new TokenUsage(1, 0, 0, 0, 0), Now)));
        Assert.Equal(2, Micro(table.PriceOf("m", new TokenUsage(3, 0, 0, 0, 0), Now)));
    }

    [Fact]
    public void Categories_are_summed_before_they_are_rounded()
    {
        var table = PriceTable.Build([Entry() with { Bands = [Band(0.4m, 0.4m, 0.4m, 0.4m, 0.4m)] }]);

        Assert.Equal(2, Micro(table.PriceOf("m", new TokenUsage(1, 1, 1, 1, 1), Now)));
    }

    [Theory]
    [InlineData(100, 0, 0, 0, 100)]
    [InlineData(101, 0, 0, 0, 1010)]
    [InlineData(0, 0, 0, 100, 100)]
    [InlineData(50, 20, 20, 11, 1010)]
    public void The_whole_prompt_with_cache_reads_and_writes_picks_the_band(
        long input, long write5m, long write1h, long read, long expected)
    {
        var table = PriceTable.Build(
        [
            Entry() with
            {
                Bands = [Band(1m, 1m, 1m, 1m, 1m) with { PromptTokensMax = 100 }, Band(10m, 10m, 10m, 10m, 10m)],
            },
        ]);

        Assert.Equal(expected, Micro(table.PriceOf("m", new TokenUsage(input, write5m, write1h, read, 0), Now)));
    }

    [Fact]
    public void The_band_of_the_prompt_prices_the_answer_too()
    {
        var table = PriceTable.Build(
            [Entry() with { Bands = [Band(0, 0, 0, 0, 1m) with { PromptTokensMax = 100 }, Band(0, 0, 0, 0, 10m)] }]);

        Assert.Equal(500, Micro(table.PriceOf("m", new TokenUsage(100, 0, 0, 0, 500), Now)));
        Assert.Equal(5000, Micro(table.PriceOf("m", new TokenUsage(101, 0, 0, 0, 500), Now)));
    }

    [Fact]
    public void An_entry_holds_from_its_first_instant_until_the_next_one()
    {
        var change = new DateTimeOffset(2026, 10, 7, 0, 0, 0, TimeSpan.Zero);
        var table = PriceTable.Build(
        [
            Entry() with { EffectiveFrom = change, Bands = [Band(2m, 0, 0, 0, 0)] },
            Entry() with { EffectiveFrom = change.AddYears(-1), Bands = [Band(1m, 0, 0, 0, 0)] },
        ]);
        var usage = new TokenUsage(10, 0, 0, 0, 0);

        Assert.Null(table.PriceOf("m", usage, change.AddYears(-1).AddTicks(-1)));
        Assert.Equal(10, Micro(table.PriceOf("m", usage, change.AddYears(-1))));
        Assert.Equal(10, Micro(table.PriceOf("m", usage, change.AddTicks(-1))));
        Assert.Equal(20, Micro(table.PriceOf("m", usage, change)));
        Assert.Equal(20, Micro(table.PriceOf("m", usage, change.ToOffset(TimeSpan.FromHours(9)))));
    }

    [Fact]
    public void Multipliers_stack_and_a_name_that_is_not_listed_costs_the_plain_price()
    {
        var table = PriceTable.Build(
        [
            Entry() with
            {
                Bands = [Band(1m, 0, 0, 0, 0)],
                BatchMultiplier = 0.5m,
                GeoMultipliers = new Dictionary<string, decimal> { ["us"] = 1.1m },
                SpeedMultipliers = new Dictionary<string, decimal> { ["fast"] = 2m },
            },
        ]);
        var usage = new TokenUsage(1000, 0, 0, 0, 0);

        Assert.Equal(500, Micro(table.PriceOf("m", usage, Now, new(Batch: true))));
        Assert.Equal(1100, Micro(table.PriceOf("m", usage, Now, new(Geo: "us"))));
        Assert.Equal(2000, Micro(table.PriceOf("m", usage, Now, new(Speed: "fast"))));
        Assert.Equal(1100, Micro(table.PriceOf("m", usage, Now, new(true, "us", "fast"))));
        Assert.Equal(1000, Micro(table.PriceOf("m", usage, Now, new(Geo: "global", Speed: "standard"))));
    }

    [Fact]
    public void A_model_without_an_entry_has_no_price()
    {
        Assert.Null(PriceTable.Build([Entry()]).PriceOf("other", new TokenUsage(1, 0, 0, 0, 1), Now));
        Assert.Null(PriceTable.Empty.PriceOf("m", new TokenUsage(1, 0, 0, 0, 1), Now));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(TokenUsage.CategoryMax + 1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_usage_that_cannot_be_true_has_no_price(long tokens)
    {
        var table = PriceTable.Build([Entry()]);

        Assert.Null(table.PriceOf("m", new TokenUsage(tokens, 0, 0, 0, 0), Now));
        Assert.Null(table.PriceOf("m", new TokenUsage(0, tokens, 0, 0, 0), Now));
        Assert.Null(table.PriceOf("m", new TokenUsage(0, 0, tokens, 0, 0), Now));
        Assert.Null(table.PriceOf("m", new TokenUsage(0, 0, 0, tokens, 0), Now));
        Assert.Null(table.PriceOf("m", new TokenUsage(0, 0, 0, 0, tokens), Now));
    }

    [Fact]
    public void The_largest_usage_at_the_largest_price_does_not_overflow()
    {
        const decimal Max = 100_000m;
        var table = PriceTable.Build(
        [
            Entry() with
            {
                Bands = [Band(Max, Max, Max, Max, Max)],
                BatchMultiplier = 10m,
                GeoMultipliers = new Dictionary<string, decimal> { ["g"] = 10m },
                SpeedMultipliers = new Dictionary<string, decimal> { ["s"] = 10m },
            },
        ]);
        const long T = TokenUsage.CategoryMax;

        var price = table.PriceOf("m", new TokenUsage(T, T, T, T, T), Now, new(true, "g", "s"));

        Assert.Equal(5_000_000_000_000_000_000, Micro(price));
    }

    [Fact]
    public void Everything_wrong_with_the_entries_is_listed_with_its_path()
    {
        var problems = PriceTable.Validate(
        [
            Entry() with { Model = " ", BatchMultiplier = -1m },
            Entry() with { Bands = [] },
            Entry() with
            {
                Model = "bands",
                Bands =
                [
                    Band(-1m, 1m, 0.0000001m, 1m, 200_000m),
                    Band(1m, 1m, 1m, 1m, 1m) with { PromptTokensMax = 5 },
                ],
            },
            Entry() with { GeoMultipliers = new Dictionary<string, decimal> { ["us"] = 11m } },
        ]);

        Assert.Equal(
            [
                (0, "model"), (0, "batchMultiplier"), (1, "bands"), (2, "bands[0].promptTokensMax"),
                (2, "bands[1].promptTokensMax"), (2, "bands[0].input"), (2, "bands[0].cacheWrite1h"),
                (2, "bands[0].output"), (3, "geoMultipliers.us"), (3, "effectiveFrom"),
            ],
            problems.Select(problem => (problem.Entry, problem.Path)));
    }

    [Fact]
    public void A_wrong_entry_is_not_built() =>
        Assert.Throws<ArgumentException>(() => PriceTable.Build([Entry() with { Bands = [] }]));

    [Fact]
    public void A_price_is_computed_without_allocating()
    {
        var usage = new TokenUsage(1000, 20, 30, 4000, 500);
        var modifiers = new PriceModifiers(true, "us", "fast");
        _ = PublishedPrices.Table.PriceOf("claude-opus-5-5", usage, Now, modifiers);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = PublishedPrices.Table.PriceOf("claude-opus-5-5", usage, Now, modifiers);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static long? Micro(Money? price) => price?.MicroUsd;

    private static PriceEntry Entry() => new()
    {
        Model = "m",
        EffectiveFrom = DateTimeOffset.UnixEpoch,
        Bands = [Band(1m, 1m, 1m, 1m, 1m)],
    };

    private static PriceBand Band(
        decimal input, decimal write5m, decimal write1h, decimal read, decimal output) => new()
        {
            Input = input,
            CacheWrite5m = write5m,
            CacheWrite1h = write1h,
            CacheRead = read,
            Output = output,
        };
}
