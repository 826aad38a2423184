using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Primitives;

public class MoneyTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1_000_000)]
    [InlineData("0.0000014", 1)]
    [InlineData("0.0000016", 2)]
    [InlineData("-0.25", -250_000)]
    [InlineData("0.0000005", 0)]
    [InlineData("0.0000015", 2)]
    public void Dollars_become_the_nearest_micro_dollar_and_ties_the_even_one(string usd, long micro) =>
        Assert.Equal(
            micro,
            Money.FromUsd(decimal.Parse(usd, System.Globalization.CultureInfo.InvariantCulture)).MicroUsd);

    [Fact]
    public void Dollars_and_back_is_exact() =>
        Prop.ForAll<int>(micro => Money.FromUsd(new Money(micro).Usd) == new Money(micro)).QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_added_can_be_taken_away_again() =>
        Prop.ForAll<int, int>((a, b) => new Money(a) + new Money(b) - new Money(b) == new Money(a))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void The_order_is_that_of_the_amounts() =>
        Prop.ForAll<int, int>((a, b) =>
            (new Money(a) < new Money(b)) == (a < b)
            && (new Money(a) >= new Money(b)) == (a >= b)
            && (new Money(a) > new Money(b)) == (a > b)
            && (new Money(a) <= new Money(b)) == (a <= b)
            && Math.Sign(new Money(a).CompareTo(new Money(b))) == Math.Sign(a.CompareTo(b))).QuickCheckThrowOnFailure();

    [Fact]
    public void An_amount_too_large_throws_and_never_wraps()
    {
        Assert.Throws<OverflowException>(() => new Money(long.MaxValue) + new Money(1));
        Assert.Throws<OverflowException>(() => new Money(long.MinValue) - new Money(1));
        Assert.Throws<OverflowException>(() => -new Money(long.MinValue));
        Assert.Throws<OverflowException>(() => Money.FromUsd(decimal.MaxValue / 1_000_000));
    }

    [Theory]
    [InlineData(1234, "$0.001234")]
    [InlineData(1_500_000, "$1.500000")]
    [InlineData(-1, "$-0.000001")]
    public void Amounts_are_written_with_six_decimals(long micro, string text) =>
        Assert.Equal(text, new Money(micro).ToString());
}
