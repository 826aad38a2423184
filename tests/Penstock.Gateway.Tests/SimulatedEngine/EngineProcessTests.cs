using System.Diagnostics;
using Penstock.Gateway.Tests.Clients;

namespace Penstock.Gateway.Tests.SimulatedEngine;

/// <summary>The command <c>penstock engine</c> in a process of its own.</summary>
public sealed class EngineProcessTests
{
    private const int Interrupt = 2;
    private const int Terminate = 15;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Terminate)]
    public async Task Ends_with_0_when_told_to(int signal)
    {
        var start = new ProcessStartInfo("dotnet", [Repository.Program, "engine", "--port", "0"])
        {
            RedirectStandardOutput = true,
        };
        using var engine = Process.Start(start)!;
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(Limit);
        try
        {
            var banner = await engine.StandardOutput.ReadLineAsync(late.Token);
            Assert.StartsWith("simulated engine at http://127.0.0.1:", banner, StringComparison.Ordinal);

            Assert.Equal(0, GatewayProcess.SendSignal(engine.Id, signal));
            await engine.WaitForExitAsync(late.Token);
            Assert.Equal(0, engine.ExitCode);
        }
        finally
        {
            if (!engine.HasExited)
            {
                engine.Kill();
            }
        }
    }
}
