using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Penstock.Bench.Report;

/// <summary>Where, when and on what a run was made: without it a figure means nothing.</summary>
internal sealed record Machine
{
    public required string Cpu { get; init; }

    public required int Cores { get; init; }

    public required string Kernel { get; init; }

    public required string Dotnet { get; init; }

    public required string Nginx { get; init; }

    public required string Date { get; init; }

    public required string Commit { get; init; }

    public required string Command { get; init; }

    public static Machine Describe(string root, string[] arguments)
    {
        var model = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?
            .Split(':')[1].Trim();
        var commit = Output("git", "-C", root, "rev-parse", "--short", "HEAD");
        var changed = Output("git", "-C", root, "status", "--porcelain", "--untracked-files=no").Length > 0;
        return new Machine
        {
            Cpu = model ?? RuntimeInformation.ProcessArchitecture.ToString(),
            Cores = Environment.ProcessorCount,
            Kernel = $"{Output("uname", "-s")} {Output("uname", "-r")}",
            Dotnet = Environment.Version.ToString(),
            Nginx = Output("nginx", "-v").Replace("nginx version: ", "", StringComparison.Ordinal),
            Date = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
            Commit = changed ? $"{commit} with local changes" : commit,
            Command = string.Join(' ', ["eng/bench/run", .. arguments]),
        };
    }

    /// <summary>Null where there is no such program: sections that do not use it can do without.</summary>
    private static Process? TryStart(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static string Output(string command, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = TryStart(start);
        if (process is null)
            return "absent";
        var text = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return text.Trim();
    }
}
