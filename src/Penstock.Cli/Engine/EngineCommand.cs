using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using Penstock.Cli.Output;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine;

/// <summary>The command <c>penstock engine</c>: one simulated engine on a port, until it is told to stop.</summary>
internal static class EngineCommand
{
    private static readonly Option<int> Port = new("--port")
    {
        Description = "TCP port; 0 takes a free one.",
        DefaultValueFactory = static _ => 8000,
    };

    private static readonly Option<string> Host = new("--host")
    {
        Description = "Address to listen on.",
        DefaultValueFactory = static _ => "127.0.0.1",
    };

    private static readonly Option<string[]> Model = new("--model")
    {
        Description = "Name of the served model; more of them are further names for it.",
        DefaultValueFactory = static _ => ["simulated"],
    };

    private static readonly Option<bool> AnyModel = new("--any-model")
    {
        Description = "Serve every model name.",
    };

    private static readonly Option<string> Profile = new("--profile")
    {
        Description = "Kind of replica: the path of a JSON file, or one of "
            + string.Join(", ", ProfileCatalog.All.Select(static profile => profile.Name)) + ".",
        DefaultValueFactory = static _ => "demo-h100",
    };

    private static readonly Option<int?> KvBlocks = new("--kv-blocks")
    {
        Description = "Blocks of KV cache, instead of the profile's.",
    };

    private static readonly Option<int> StreamInterval = new("--stream-interval")
    {
        Description = "Write a stream every so many tokens, after the first.",
        DefaultValueFactory = static _ => 1,
    };

    private static readonly Option<ulong> Seed = new("--seed")
    {
        Description = "Draws answers, step jitter and faults.",
    };

    private static readonly Option<double> TimeScale = new("--time-scale")
    {
        Description = "Simulated seconds per real second.",
        DefaultValueFactory = static _ => 1,
    };

    private static readonly Option<double> LatencyFactor = new("--latency-factor")
    {
        Description = "Make every step take this many times as long.",
        DefaultValueFactory = static _ => 1,
    };

    private static readonly Option<double> ErrorRate = new("--error-rate")
    {
        Description = "Share of requests answered with status 500.",
    };

    private static readonly Option<double> StallRate = new("--stall-rate")
    {
        Description = "Share of requests that fall silent once.",
    };

    private static readonly Option<double> Stall = new("--stall")
    {
        Description = "Seconds of that silence.",
        DefaultValueFactory = static _ => 30,
    };

    private static readonly Option<double> DieRate = new("--die-rate")
    {
        Description = "Share of requests whose connection is cut on the way.",
    };

    private static readonly Option<int?> DieAfterTokens = new("--die-after-tokens")
    {
        Description = "Cut after that many tokens; without --die-rate every request.",
    };

    public static Command Create()
    {
        var command = new DocumentedCommand(
            "engine",
            "Serve a simulated engine that speaks vLLM's HTTP with the timing of a real accelerator.",
            "penstock engine --port 8000 --model my-model --profile h100-qwen3-32b",
            "penstock engine --port 8001 --any-model --error-rate 0.1 --latency-factor 3");
        foreach (Option option in new Option[]
        {
            Port, Host, Model, AnyModel, Profile, KvBlocks, StreamInterval, Seed, TimeScale, LatencyFactor, ErrorRate,
            StallRate, Stall, DieRate, DieAfterTokens,
        })
        {
            command.Options.Add(option);
        }

        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (Read(parsed, out var error) is not { } options)
        {
            var stderr = parsed.InvocationConfiguration.Error;
            await stderr.WriteLineAsync($"penstock: {error}");
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

    private static SimulatedEngineOptions? Read(ParseResult parsed, out string error)
    {
        if (FindProfile(parsed.GetValue(Profile)!, parsed.GetValue(KvBlocks), out error) is not { } profile)
        {
            return null;
        }

        var faults = new EngineFaults
        {
            LatencyFactor = parsed.GetValue(LatencyFactor),
            ErrorRate = parsed.GetValue(ErrorRate),
            StallRate = parsed.GetValue(StallRate),
            StallSeconds = parsed.GetValue(Stall),
            DieRate = parsed.GetValue(DieRate),
            DieAfterTokens = parsed.GetValue(DieAfterTokens),
        };
        List<string> errors = [.. faults.Errors().Select(OptionNamed)];
        if (!IPAddress.TryParse(parsed.GetValue(Host), out var address))
        {
            errors.Add("--host is not an IP address");
        }

        if (parsed.GetValue(Port) is < 0 or > 65535)
        {
            errors.Add("--port must be from 0 to 65535");
        }

        if (parsed.GetValue(TimeScale) is not (> 0 and <= 1e6))
        {
            errors.Add("--time-scale must be above 0 and at most 1000000");
        }

        if (parsed.GetValue(StreamInterval) < 1)
        {
            errors.Add("--stream-interval must be at least 1");
        }

        if (parsed.GetValue(Model)!.Any(string.IsNullOrWhiteSpace))
        {
            errors.Add("--model must not be empty");
        }

        error = string.Join($"{Environment.NewLine}penstock: ", errors);
        return errors.Count > 0 ? null : new SimulatedEngineOptions
        {
            Profile = profile,
            Models = [.. parsed.GetValue(Model)!],
            AnyModel = parsed.GetValue(AnyModel),
            Seed = parsed.GetValue(Seed),
            Faults = faults,
            TimeScale = parsed.GetValue(TimeScale),
            StreamInterval = parsed.GetValue(StreamInterval),
            Address = address!,
            Port = parsed.GetValue(Port),
        };
    }

    /// <summary>A fault's error begins with its name in JSON; here it is an option that was wrong.</summary>
    private static string OptionNamed(string problem)
    {
        var name = problem[..problem.IndexOf(' ', StringComparison.Ordinal)];
        var option = name == "stall_seconds" ? Stall.Name : $"--{name.Replace('_', '-')}";
        return option + problem[name.Length..];
    }

    private static EngineProfile? FindProfile(string name, int? blocks, out string error)
    {
        var profile = FindProfile(name, out error);
        if (profile is null || blocks is null)
        {
            return profile;
        }

        profile = profile with { KvBlocks = blocks.Value };
        error = string.Join(Environment.NewLine, profile.Errors().Select(static problem => $"--kv-blocks: {problem}"));
        return error.Length == 0 ? profile : null;
    }

    private static EngineProfile? FindProfile(string name, out string error)
    {
        error = "";
        if (ProfileCatalog.Find(name) is { } builtIn)
        {
            return builtIn;
        }

        if (!File.Exists(name))
        {
            var names = string.Join(", ", ProfileCatalog.All.Select(profile => profile.Name));
            error = $"no profile '{name}': neither a file nor one of {names}";
            return null;
        }

        var profile = ProfileCatalog.Parse(File.ReadAllBytes(name), out var errors);
        error = string.Join(Environment.NewLine, errors.Select(problem => $"{name}: {problem}"));
        return profile;
    }
}
