using System.Runtime.InteropServices;
using Penstock.Bench.Processes;
using Penstock.Cli.Engine;
using Penstock.Simulator.Replicas;

namespace Penstock.LiveBench.Fleet;

/// <summary>
/// The role of the simulated engines: what <c>penstock engine</c> serves, all replicas in one process, until SIGTERM.
/// All have one seed: the same prompt gets the same answer wherever it goes, so every policy plays the same sessions.
/// </summary>
internal static class EngineFleet
{
    public const string Model = "live";

    public static async Task RunAsync(EnginesPlan plan)
    {
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            stop.Cancel();
        });
        var options = new SimulatedEngineOptions
        {
            Profile = ProfileFor(plan.Settings),
            Models = [Model],
            Seed = 1,
            TimeScale = plan.Settings.TimeScale,
            StreamInterval = plan.Settings.StreamInterval,
        };
        await using var host =
            await SimulatedEngineHost.StartAsync([.. plan.Ports.Select(port => options with { Port = port })]);
        try
        {
            await Task.Delay(Timeout.Infinite, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    /// <exception cref="BenchFailure">There is no such profile, or it cannot have that cache.</exception>
    public static EngineProfile ProfileFor(LiveSettings settings)
    {
        var profile = ProfileCatalog.Find(settings.Profile)
            ?? throw new BenchFailure($"no profile '{settings.Profile}'");
        profile = profile with { KvBlocks = settings.KvTokens / profile.BlockSize };
        return profile.Errors() is [var error, ..] ? throw new BenchFailure(error) : profile;
    }
}
