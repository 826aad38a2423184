using System.Globalization;
using System.Runtime.InteropServices;
using Penstock.Bench.Processes;
using Penstock.Bench.Report;
using Penstock.LiveBench.Fleet;
using Penstock.LiveBench.Report;
using Penstock.LiveBench.Sessions;

namespace Penstock.LiveBench;

/// <summary>Runs every policy with every seed, prints the table, and ends everything that was started.</summary>
internal sealed class Driver(string root, Options options, string command)
{
    private readonly Lock _lock = new();
    private readonly List<RunResult> _runs = [];

    /// <summary>Exit code: 0 measured, or skipped for want of the trace; 1 failed; 130 interrupted.</summary>
    public async Task<int> RunAsync()
    {
        if (options.Merge.Length > 0)
        {
            return Finish(ResultFile.Merge(options.Merge));
        }

        if (TraceFile.Find(root, out var why) is not { } trace)
        {
            Console.Error.WriteLine($"skipped: {why}");
            return 0;
        }

        _ = EngineFleet.ProfileFor(options.Settings);
        var folder = options.Keep is { } keep
            ? Directory.CreateDirectory(keep).FullName
            : Directory.CreateTempSubdirectory("penstock-live-").FullName;
        using var lab = new LiveLab(folder, root, trace);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Leave(lab, folder));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Leave(lab, folder));
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, _ => Leave(lab, folder));
        try
        {
            await MeasureAsync(lab);
        }
        catch (Exception) when (lab.Ended)
        {
            await Task.Delay(Timeout.Infinite);
        }
        catch (BenchFailure failure)
        {
            Console.Error.WriteLine($"failed: {failure.Message}\nlogs: {folder}");
            return 1;
        }

        lab.Dispose();
        Remove(folder);
        return Finish(Results());
    }

    /// <summary>Seed by seed, so that what the machine does meanwhile falls on all policies alike.</summary>
    private Task MeasureAsync(LiveLab lab)
    {
        var runs =
            from seed in Enumerable.Range(0, options.Seeds)
            from policy in options.Policies
            select (Policy: policy, Seed: options.FirstSeed + (ulong)seed);
        var limit = new ParallelOptions { MaxDegreeOfParallelism = options.Parallel };
        return Parallel.ForEachAsync(runs, limit, async (run, _) =>
        {
            var result = await lab.RunAsync(options.Settings, run.Policy, run.Seed);
            if (result.Requests == 0)
            {
                throw new BenchFailure($"{run.Policy}: no answer came: {string.Join("; ", result.Failures)}");
            }

            lock (_lock)
            {
                _runs.Add(result);
                Report(result);
                if (options.JsonFile is { } file)
                {
                    Results().WriteTo(file);
                }
            }
        });
    }

    private static void Report(RunResult run) => Console.Error.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"# {run.Policy}, seed {run.Seed}: {run.Requests} requests ({run.Failed} failed, {run.Unanswered} unanswered), "
        + $"TTFT mean {run.FirstToken.Mean:F2} p90 {run.FirstToken.P90:F2} s, hit {run.HitRate:P1}, CPU gateway "
        + $"{run.Cpu.Gateway:F0}% engines {run.Cpu.Engines:F0}% clients {run.Cpu.Clients:F0}% of all "
        + $"{run.Cpu.Machine:F0}%"));

    private ResultFile Results()
    {
        var machine = Machine.Describe(root, command);
        return new ResultFile
        {
            Settings = options.Settings,
            Machine = $"{machine.Cpu}, {machine.Cores} cores, {machine.Kernel}, .NET {machine.Dotnet}, "
                + $"{machine.Date}, commit {machine.Commit}",
            Commands = [command],
            Reference = options.Policies[0],
            Runs = [.. _runs],
        };
    }

    private int Finish(ResultFile results)
    {
        if (options.JsonFile is { } file)
        {
            results.WriteTo(file);
        }

        LeagueTable.Write(Console.Out, results, options.CpuLimit);
        return 0;
    }

    private void Leave(LiveLab lab, string folder)
    {
        lab.Dispose();
        Remove(folder);
        Environment.Exit(130);
    }

    private void Remove(string folder)
    {
        if (options.Keep is null)
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
