using System.Globalization;

namespace Penstock.Bench.Processes;

/// <summary>
/// What the kernel says about a process and all its descendants. Linux: /proc/PID/stat and status (man 5 proc).
/// </summary>
internal static class ProcessTree
{
    /// <summary>Clock ticks a second of /proc/PID/stat; 100 on every Linux that .NET runs on (USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    /// <summary>The process and its descendants that are alive now.</summary>
    public static List<int> Of(int root)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture, out var pid)
                && Stat(pid) is { } stat)
                parents[pid] = stat.Parent;
        }

        var tree = new List<int> { root };
        for (var i = 0; i < tree.Count; i++)
            tree.AddRange(parents.Where(pair => pair.Value == tree[i]).Select(pair => pair.Key));
        return tree;
    }

    /// <summary>User plus system CPU time used so far, in seconds.</summary>
    public static double CpuSeconds(int root) => Of(root).Sum(pid => Stat(pid)?.CpuTicks ?? 0) / TicksPerSecond;

    /// <summary>
    /// Resident memory in megabytes (10^6 bytes); pages shared within the tree count once for each process.
    /// </summary>
    public static double ResidentMegabytes(int root) => Of(root).Sum(ResidentKilobytes) * 1024 / 1e6;

    private static (int Parent, long CpuTicks)? Stat(int pid)
    {
        var text = Read(pid, "stat");
        if (text is null)
            return null;

        // The name in parentheses may hold anything; the fields after it are counted from the state (field 3).
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        var user = long.Parse(fields[11], CultureInfo.InvariantCulture);
        var system = long.Parse(fields[12], CultureInfo.InvariantCulture);
        return (int.Parse(fields[1], CultureInfo.InvariantCulture), user + system);
    }

    private static long ResidentKilobytes(int pid)
    {
        var line = Read(pid, "status")?.Split('\n')
            .FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        var fields = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields is null ? 0 : long.Parse(fields[^2], CultureInfo.InvariantCulture);
    }

    private static string? Read(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (IOException)
        {
            return null;
        }
    }
}
