using System.CommandLine;
using Penstock.Cli.Engine;

namespace Penstock.Cli;

internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        var root = new RootCommand("Penstock") { EngineCommand.Create() };
        return root.Parse(args).InvokeAsync();
    }
}
