using Penstock.Cli;

namespace Penstock.Gateway.Tests.CommandLine;

/// <summary>One command, run in this process, with what it wrote.</summary>
internal sealed record CommandRun(int Code, string Output, string Error)
{
    public static async Task<CommandRun> Of(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await PenstockCommand.RunAsync(args, output, error, TestContext.Current.CancellationToken);
        return new(code, output.ToString(), error.ToString());
    }
}
