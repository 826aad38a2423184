using System.CommandLine;
using System.Runtime.InteropServices;
using Penstock.Cli.Output;

namespace Penstock.Cli.Engine;

/// <summary>The command <c>penstock engine</c>: one simulated engine on a port, until it is told to stop.</summary>
internal static class EngineCommand
{
    public static Command Create()
    {
        var command = new DocumentedCommand(
            "engine",
            "Serve a simulated engine: HTTP, cache and events of a real one, with the timing of an accelerator.",
            "penstock engine --port 8000 --model my-model --profile h100-qwen3-32b",
            "penstock engine --port 8001 --any-model --error-rate 0.1 --latency-factor 3",
            "penstock engine --kind sglang --kv-tokens 100000 --kv-events sglang-map --load-events tcp://*:5559");
        foreach (var option in EngineOptions.All.Concat(EventOptions.All).Concat(FaultOptions.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        List<string> errors = [];
        if (EngineOptions.Read(parsed, errors) is not { } options)
        {
            var stderr = parsed.InvocationConfiguration.Error;
            foreach (var error in errors)
            {
                await stderr.WriteLineAsync($"penstock: {error}");
            }

            await stderr.WriteLineAsync("Try 'penstock engine --help'.");
            return ExitCode.BadUsage;
        }

        // The host swallows signals and leaves it to us to end.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => End(s, ending));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => End(s, ending));
        try
        {
            await using var host = await SimulatedEngineHost.StartAsync([options], ending.Token);
            Console.WriteLine(
                $"simulated engine at {host.Urls[0].OriginalString} (model {string.Join(", ", options.Models)}, "
                + $"profile {options.Profile.Name}: {options.Profile.Model} on {options.Profile.Accelerator})");
            if (host.Events[0] is { } publishes)
            {
                Console.WriteLine(
                    $"publishes events at {publishes.Events ?? "-"}, replays at {publishes.Replay ?? "-"}, load at "
                    + $"{publishes.Load ?? "-"}");
            }

            await Console.Out.FlushAsync(CancellationToken.None);
            await Task.Delay(Timeout.Infinite, ending.Token);
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
        catch (IOException e)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync($"penstock: {e.Message}");
            return ExitCode.Failed;
        }

        return ExitCode.Ok;
    }

    private static void End(PosixSignalContext signal, CancellationTokenSource ending)
    {
        signal.Cancel = true;
        ending.Cancel();
    }
}
