using System.Diagnostics;
using System.Text.Json;

namespace Penstock.DecisionBench;

/// <summary>One measured operation: nanoseconds of one call, over batches of calls.</summary>
internal sealed record Row(string What, double MedianNs, double P10Ns, double P90Ns, int? BudgetNs)
{
    public static readonly JsonSerializerOptions Json =
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    private const int Batches = 101;
    private const double BatchSeconds = 0.004;

    /// <summary>Long enough for the compiler to have come to its last word, on a machine that is busy too.</summary>
    private const double WarmUpSeconds = 1;

    /// <summary>Warms up, finds how many calls fill a batch, and times the batches. The argument counts the calls.
    /// </summary>
    public static Row Measure(string what, int? budgetNs, Action<int> call)
    {
        var clock = Stopwatch.StartNew();
        var calls = 0;
        while (clock.Elapsed.TotalSeconds < WarmUpSeconds)
        {
            call(calls++);
        }

        var batch = Math.Max(1, (int)(calls * BatchSeconds / clock.Elapsed.TotalSeconds));
        var each = new double[Batches];
        for (var i = 0; i < Batches; i++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var j = 0; j < batch; j++)
            {
                call(calls++);
            }

            each[i] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / batch;
        }

        Array.Sort(each);
        double At(int percent) => Math.Round(each[Batches * percent / 100], 1);
        return new Row(what, At(50), At(10), At(90), budgetNs);
    }
}
