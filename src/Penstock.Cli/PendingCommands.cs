// Stand-ins for two commands whose rooms are not here yet. Delete this file when they arrive.
using System.CommandLine;
using Penstock.Cli.Output;

namespace Penstock.Cli.Serve
{
    internal static class ServeCommand
    {
        public static Command Create() => new DocumentedCommand("serve", "Serve clients.", "penstock serve");
    }
}

namespace Penstock.Cli.Engine
{
    internal static class EngineCommand
    {
        public static Command Create() => new DocumentedCommand("engine", "Run a simulated engine.", "penstock engine");
    }
}
