using System.Diagnostics;

namespace Penstock.Gateway.Tests.Clients;

/// <summary>What a program printed, and how it ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors);

/// <summary>Runs a program to its end. One that does not end in time is killed and fails the test.</summary>
internal static class Command
{
    public static async Task<CommandResult> Run(ProcessStartInfo start, TimeSpan limit)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(limit);
        try
        {
            await process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{start.FileName} did not end within {limit}\n{await output}\n{await errors}");
        }

        return new(process.ExitCode, await output, await errors);
    }

    public static Task<CommandResult> Run(string program, params string[] arguments) =>
        Run(new ProcessStartInfo(program, arguments), TimeSpan.FromMinutes(11));
}
