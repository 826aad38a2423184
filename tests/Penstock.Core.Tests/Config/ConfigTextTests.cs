using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Config;

namespace Penstock.Core.Tests.Config;

public class ConfigTextTests
{
    [Theory]
    [InlineData("150ms", 1_500_000)]
    [InlineData("5s", 50_000_000)]
    [InlineData("1.5s", 15_000_000)]
    [InlineData("1h30m", 54_000_000_000)]
    [InlineData("2d", 1_728_000_000_000)]
    [InlineData("250us", 2_500)]
    [InlineData("0.1us", 1)]
    [InlineData("0s", 0)]
    public void Reads_durations_with_their_units(string text, long ticks)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(ticks, duration.Ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("5 s")]
    [InlineData("-5s")]
    [InlineData("5s1m")]
    [InlineData("5s5s")]
    [InlineData("1.2.3s")]
    [InlineData("0.01us")]
    [InlineData("99999999999d")]
    [InlineData("10675199d9999999999h")]
    [InlineData("5sec")]
    public void Refuses_what_is_not_a_duration(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Fact]
    public void Every_duration_reads_back_as_it_was_written() =>
        Prop.ForAll<long>(n =>
        {
            var duration = new TimeSpan(Math.Abs(n % TimeSpan.MaxValue.Ticks));
            return DurationText.TryParse(DurationText.Format(duration), out var back) && back == duration;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Durations_and_sizes_are_written_as_people_write_them()
    {
        Assert.Equal("1m30s", DurationText.Format(TimeSpan.FromSeconds(90)));
        Assert.Equal("10m", DurationText.Format(TimeSpan.FromMinutes(10)));
        Assert.Equal("1s500ms", DurationText.Format(TimeSpan.FromSeconds(1.5)));
        Assert.Equal("0s", DurationText.Format(TimeSpan.Zero));
        Assert.Equal(
            ["32 MiB", "64 KB", "1000001 B", "0 B"],
            new long[] { 32 << 20, 64_000, 1_000_001, 0 }.Select(b => new ByteSize(b).ToString()));
    }

    [Theory]
    [InlineData("32 MiB", 32L << 20)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData("64 KB", 64_000)]
    [InlineData("512 B", 512)]
    [InlineData("0 B", 0)]
    public void Reads_sizes_with_their_units(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var size));
        Assert.Equal(bytes, size.Bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("32")]
    [InlineData("MiB")]
    [InlineData("-1 B")]
    [InlineData("0.5 B")]
    [InlineData("1 mib")]
    [InlineData("99999999999 GiB")]
    public void Refuses_what_is_not_a_size(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Fact]
    public void Every_size_reads_back_as_it_was_written() =>
        Prop.ForAll<long>(n =>
        {
            var size = new ByteSize(n & long.MaxValue);
            return ByteSize.TryParse(size.ToString(), out var back) && back == size;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_typing_error_finds_the_word_that_was_meant()
    {
        Assert.Equal(["server"], CloseNames.Near("serer", ["server", "limits", "prices"]));
        Assert.Equal(["models"], CloseNames.Near("modles", ["models", "default_model"]));
        Assert.Equal("; did you mean 'pools'?", CloseNames.Hint("Pool", ["pools", "keys"]));
        Assert.Equal("; known are a, b", CloseNames.Hint("nothing-like-it", ["a", "b"]));
        Assert.Equal("", CloseNames.Hint("x", []));
    }

    [Fact]
    public void The_distance_of_two_words_is_symmetric_and_zero_only_for_itself() =>
        Prop.ForAll<NonEmptyString, NonEmptyString>((a, b) =>
        {
            var (x, y) = (a.Get.ToLowerInvariant(), b.Get.ToLowerInvariant());
            return CloseNames.Distance(x, y) == CloseNames.Distance(y, x)
                && (CloseNames.Distance(x, y) == 0) == (x == y);
        }).QuickCheckThrowOnFailure();
}
