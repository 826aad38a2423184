using System.Globalization;

namespace Penstock.Core.Primitives;

/// <summary>
/// An amount of money in whole micro-USD (1,000,000 = one dollar). Integer arithmetic only, checked: an overflow is
/// a bug and throws <see cref="OverflowException"/>.
/// </summary>
public readonly record struct Money(long MicroUsd) : IComparable<Money>
{
    public static Money Zero => default;

    /// <summary>The amount nearest to <paramref name="usd"/> dollars.</summary>
    public static Money FromUsd(decimal usd) => new((long)decimal.Round(usd * 1_000_000m));

    /// <summary>The amount in dollars, exact.</summary>
    public decimal Usd => MicroUsd / 1_000_000m;

    public static Money operator +(Money a, Money b) => new(checked(a.MicroUsd + b.MicroUsd));

    public static Money operator -(Money a, Money b) => new(checked(a.MicroUsd - b.MicroUsd));

    public static Money operator -(Money a) => new(checked(-a.MicroUsd));

    public static bool operator <(Money a, Money b) => a.MicroUsd < b.MicroUsd;

    public static bool operator >(Money a, Money b) => a.MicroUsd > b.MicroUsd;

    public static bool operator <=(Money a, Money b) => a.MicroUsd <= b.MicroUsd;

    public static bool operator >=(Money a, Money b) => a.MicroUsd >= b.MicroUsd;

    public int CompareTo(Money other) => MicroUsd.CompareTo(other.MicroUsd);

    /// <summary>Dollars with six decimals, such as <c>$0.001234</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"${Usd:0.000000}");
}
