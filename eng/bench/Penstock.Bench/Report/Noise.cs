using System.Globalization;

namespace Penstock.Bench.Report;

/// <summary>How busy the machine was with anything but the benchmark, in percent of all its cores.</summary>
/// <param name="OthersPercent">CPU of processes that the run did not start.</param>
/// <param name="StealPercent">CPU that the host gave to other virtual machines (steal, man 5 proc).</param>
internal sealed record Noise(double OthersPercent, double StealPercent);

/// <summary>
/// Reads the machine's CPU time at the start and, once all that was started has ended, again. Ended children are in the
/// driver's own account by then (cutime and cstime of /proc/self/stat).
/// </summary>
internal sealed class NoiseMeter
{
    private readonly (long Busy, long Steal, long All) _machine = MachineTicks();
    private readonly long _own = OwnTicks();

    public Noise Read()
    {
        var machine = MachineTicks();
        double all = machine.All - _machine.All;
        var others = machine.Busy - _machine.Busy - (OwnTicks() - _own);
        return new Noise(Math.Max(others, 0) / all * 100, (machine.Steal - _machine.Steal) / all * 100);
    }

    private static (long Busy, long Steal, long All) MachineTicks()
    {
        // user nice system idle iowait irq softirq steal; interrupts belong to nobody, so they count as nobody's noise.
        var line = File.ReadLines("/proc/stat").First();
        var fields = Numbers(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]);
        return (fields[0] + fields[1] + fields[2], fields[7], fields.Sum());
    }

    private static long OwnTicks()
    {
        var text = File.ReadAllText("/proc/self/stat");
        return Numbers(text[(text.LastIndexOf(')') + 2)..].Split(' ')[11..15]).Sum();
    }

    private static long[] Numbers(string[] fields) =>
        [.. fields.Select(field => long.Parse(field, CultureInfo.InvariantCulture))];
}
