using System.Globalization;
using Penstock.LiveBench.Play;

namespace Penstock.LiveBench.Report;

/// <summary>Everything that is read at the start and at the end of the measured part. CPU in seconds.</summary>
internal sealed record Mark(
    long Timestamp, double Gateway, double Engines, MachineTime Machine, double Clients, EngineTotals[] Totals);

/// <summary>The machine's time in ticks of all cores: busy (the host's share included; not what is niced, which gives
/// way), and all.</summary>
internal readonly record struct MachineTime(long Busy, long All)
{
    public static MachineTime Read()
    {
        // user nice system idle iowait irq softirq steal (man 5 proc)
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]
            .Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray();
        return new MachineTime(fields.Sum() - fields[1] - fields[3] - fields[4], fields.Sum());
    }
}
