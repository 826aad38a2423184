using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Penstock.Cli.Engine;
using Penstock.Cli.Output;
using Penstock.Core.Config;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Hosting;

namespace Penstock.Cli.Serve;

/// <summary>
/// One run of the gateway: start, serve, drain at the first signal, stop. A second signal cuts the drain.
/// </summary>
internal static class ServeRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(
        ServeOptions options, TextWriter output, TextWriter error, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var cutting = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => Signal(s, ending, cutting));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => Signal(s, ending, cutting));
        var level = new ServeLogLevel();
        using var logs = ServeLogs.Create(level);
        try
        {
            await using var start = await Startup.PrepareAsync(options, error, logs, ending.Token);
            if (start is null)
            {
                return ExitCode.Failed;
            }

            level.Set(start.Source.Document.Telemetry.LogLevel);
            using var requests = Console.OpenStandardError();
            var gateway = start.Gateway with { RequestLog = level.Allows(LogLevel.Information) ? requests : null };
            return await ServeAsync(start, gateway, output, error, logs, ending, cutting);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"penstock: {e.Message}");
            return ExitCode.Failed;
        }
    }

    private static async Task<int> ServeAsync(
        Startup start, GatewayOptions gateway, TextWriter output, TextWriter error, ILoggerFactory logs,
        CancellationTokenSource ending, CancellationTokenSource cutting)
    {
        var server = start.Source.Document.Server;
        await using var host = await GatewayHost.StartAsync(
            gateway, start.Source, TimeProvider.System, logs, ending.Token);
        if (!await host.WaitUntilReadyAsync(Patience, ending.Token))
        {
            await error.WriteLineAsync("penstock: no replica answers yet; serving, and waiting for one");
        }

        Banner.Write(output, host, start.Source.Current, start.GeneratedKey, start.Gateway.Data);
        if (host.Recovered > 0)
        {
            await error.WriteLineAsync(
                $"penstock: settled {host.Recovered} request(s) that an earlier process left open");
        }

        await start.FollowAsync(ending.Token);
        var draining = host.DrainAsync(server.Drain, cutting.Token);
        await error.WriteLineAsync("penstock: draining; a second signal stops at once");
        var drained = await draining;
        await error.WriteLineAsync(drained ? "penstock: stopped" : "penstock: stopped before every request had ended");
        return ExitCode.Ok;
    }

    private static void Signal(
        PosixSignalContext context, CancellationTokenSource ending, CancellationTokenSource cutting)
    {
        context.Cancel = true;
        if (ending.IsCancellationRequested)
        {
            cutting.Cancel();
        }

        ending.Cancel();
    }
}
