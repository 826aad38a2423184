using System.Diagnostics;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>Finds and runs the tool that provides a real engine.</summary>
internal static class RealEngine
{
    /// <summary>The path of the tool; null: there is none.</summary>
    public static string? Find() => new[] { Environment.GetEnvironmentVariable("PENSTOCK_DATA"), Beside() }
        .OfType<string>()
        .Select(folder => Path.Combine(folder, "tools", "real-engine", "real-engine"))
        .FirstOrDefault(File.Exists);

    /// <returns>The exit code, and standard output.</returns>
    public static async Task<(int Exit, string Output)> RunAsync(string tool, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadLineAsync(Wires.Guard) ?? "";
        await process.WaitForExitAsync(Wires.Guard);
        return (process.ExitCode, output);
    }

    /// <summary>The folder <c>shared</c> beside the root of the repository.</summary>
    private static string? Beside()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Penstock.slnx")))
        {
            root = root.Parent;
        }

        return root?.Parent is { } parent ? Path.Combine(parent.FullName, "shared") : null;
    }
}
