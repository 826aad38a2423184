using System.Diagnostics;

namespace Penstock.Gateway.Tests.Engines;

/// <summary>Finds and runs the tool that provides a real engine.</summary>
internal static class RealEngine
{
    /// <summary>The path of the tool; null: there is none.</summary>
    public static string? Find() => Clients.RealEngine.FindScript();

    /// <returns>The exit code, and standard output.</returns>
    public static async Task<(int Exit, string Output)> RunAsync(string tool, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadLineAsync(Wires.Guard) ?? "";
        await process.WaitForExitAsync(Wires.Guard);
        return (process.ExitCode, output);
    }
}
