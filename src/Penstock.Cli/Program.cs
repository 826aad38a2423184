using System.CommandLine;
using Penstock.Cli.Engine;

namespace Penstock.Cli;

internal static class Program
{
    private const int BadUsage = 2;

    private static async Task<int> Main(string[] args)
    {
        var root = new RootCommand("Penstock") { EngineCommand.Create() };
        var parsed = root.Parse(args);
        var code = await parsed.InvokeAsync();
        return parsed.Errors.Count > 0 ? BadUsage : code;
    }
}
