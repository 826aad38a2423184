namespace Penstock.Cli;

internal static class Program
{
    private static Task<int> Main(string[] args) => PenstockCommand.RunAsync(args, Console.Out, Console.Error);
}
