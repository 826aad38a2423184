namespace Penstock.Cli;

internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        // Read once by the runtime, before the first socket: what arrives is handled on the thread that saw it arrive.
        // A relay does little per event, and a hop to another thread costs more than all of it.
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        return PenstockCommand.RunAsync(args, Console.Out, Console.Error);
    }
}
