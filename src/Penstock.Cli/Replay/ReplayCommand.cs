using System.CommandLine;
using System.Text.Json;
using Penstock.Cli.Output;
using Penstock.Core.Config;
using Penstock.Core.Recording;
using Penstock.Core.Routing;

namespace Penstock.Cli.Replay;

/// <summary><c>penstock replay</c>: makes the decisions of a log again and says whether they come out the same, or what
/// another policy would have chosen.</summary>
internal sealed class ReplayCommand
{
    private readonly Argument<string> _path = new("log")
    {
        Description = "A decision log (.plog), or a folder of them.",
    };

    private readonly Option<string?> _policy = new("--policy")
    {
        Description = "Also ask this policy about every decision.",
    };

    public static Command Create() => new ReplayCommand().Build();

    private DocumentedCommand Build()
    {
        var command = new DocumentedCommand(
            "replay",
            "Replay decision logs: every decision must come out as it was recorded.",
            "penstock replay .penstock/decisions",
            "penstock replay .penstock/decisions --policy least-outstanding",
            "penstock replay demo-20260131T120000000Z-0001.plog --json")
        {
            _path,
            _policy,
            CommandOutput.JsonOption(),
        };
        _policy.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<string?>() is { } name && RoutePolicies.Create(name) is null)
            {
                var hint = CloseNames.Hint(name, [.. RoutePolicies.Names]);
                result.AddError($"there is no policy '{name}'{hint}");
            }
        });
        command.SetAction(parsed => Run(parsed, new CommandOutput(parsed)));
        return command;
    }

    private int Run(ParseResult parsed, CommandOutput output)
    {
        var path = parsed.GetValue(_path)!;
        string[] logs = Directory.Exists(path)
            ? [.. Directory.GetFiles(path, "*.plog").Order(StringComparer.Ordinal)]
            : [path];
        if (logs.Length == 0 || !File.Exists(logs[0]))
        {
            return output.BadUsage(
                Directory.Exists(path) ? $"there is no decision log (*.plog) in {path}" : $"there is no file {path}");
        }

        var replayed = logs.Select(log => ReplayedLog.Run(log, parsed.GetValue(_policy))).ToList();
        output.Report(json => WriteJson(json, replayed), () => ReplayReport.Write(output, replayed));
        return replayed.All(static r => r.IsSame) ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void WriteJson(Utf8JsonWriter json, IReadOnlyList<ReplayedLog> logs)
    {
        json.WriteStartObject();
        json.WriteBoolean("same", logs.All(static l => l.IsSame));
        json.WriteStartArray("logs");
        foreach (var log in logs)
        {
            ReplayReport.Write(json, log);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}

/// <summary>One log and what came of its replay.</summary>
internal sealed record ReplayedLog(string Path, ReplayResult? Result, string? Problem)
{
    public bool IsSame => Result is { Difference: null, IsDamaged: false };

    public static ReplayedLog Run(string path, string? policy)
    {
        try
        {
            var other = policy is null ? null : RoutePolicies.Create(policy);
            return new ReplayedLog(path, PoolReplay.Run(File.ReadAllBytes(path), other), null);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return new ReplayedLog(path, null, e.Message);
        }
        catch (Exception e)
        {
            // Of a log that nobody wrote so, or of a bug: either way the other logs are looked at too.
            return new ReplayedLog(path, null, $"the replay failed: {e.GetType().Name}: {e.Message}");
        }
    }
}
