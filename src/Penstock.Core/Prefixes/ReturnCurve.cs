using System.Numerics;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// How likely it is that what was not used for some time is asked for again, learned from how long answered prompts lay
/// until their conversations went on, or until they were lost.
/// </summary>
/// <remarks>Kaplan and Meier's estimate over ages that double: what was lost before it could return counts as seen up
/// to its loss and not as never returning. Old evidence fades.</remarks>
internal sealed class ReturnCurve
{
    private const int Ages = 32;
    private const double Remembered = 4096;

    private readonly double[] _returned = new double[Ages];
    private readonly double[] _lost = new double[Ages];
    private double _count;

    public void Returned(TimeSpan age) => Count(_returned, age);

    public void Lost(TimeSpan age) => Count(_lost, age);

    /// <summary>The chance that what is unused for so long returns, 0 to 1.</summary>
    public double Chance(TimeSpan unused)
    {
        var first = Age(unused);
        var atRisk = 0.0;
        var never = 1.0;
        for (var age = Ages - 1; age >= first; age--)
        {
            atRisk += _returned[age] + _lost[age];
            if (atRisk > 0)
            {
                never *= 1 - (_returned[age] / atRisk);
            }
        }

        return 1 - never;
    }

    public void Save(StateWriter to)
    {
        to.WriteAll<double>(_returned);
        to.WriteAll<double>(_lost);
        to.Write(_count);
    }

    public void Load(ref StateReader from)
    {
        from.ReadAll<double>(_returned);
        from.ReadAll<double>(_lost);
        _count = from.Read<double>();
    }

    private void Count(double[] ages, TimeSpan age)
    {
        if (++_count > Remembered)
        {
            _count /= 2;
            for (var i = 0; i < Ages; i++)
            {
                _returned[i] /= 2;
                _lost[i] /= 2;
            }
        }

        ages[Age(age)]++;
    }

    /// <summary>Each age is twice as long as the one before, from an eighth of a second on.</summary>
    private static int Age(TimeSpan age) =>
        Math.Clamp(BitOperations.Log2((ulong)Math.Max(1, age.TotalMilliseconds)) - 6, 0, Ages - 1);
}
