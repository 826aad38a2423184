using System.Globalization;
using Penstock.Core.Routing;

namespace Penstock.LiveBench;

/// <summary>The command line of the driver.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: eng/bench/live/run [--policies NAMES] [--seeds N] [--first-seed N] [--sessions S] [--minutes M]
                                  [--warm-up M] [--replicas N] [--profile NAME] [--kv-tokens N] [--time-scale X]
                                  [--stream-interval N] [--parallel K] [--cpu-limit P] [--json FILE]
                                  [--keep FOLDER]
               eng/bench/live/run --merge FILE[,FILE...] [--json FILE]
          --policies        to compare, the first is what others are compared with (default: all, round-robin first)
          --seeds           runs of each policy, with seeds that count up from --first-seed (default 1, from 1)
          --sessions        sessions under way at any time
          --minutes         virtual minutes that are measured, after --warm-up
          --replicas        simulated engines, each of --profile, with --kv-tokens of cache
          --time-scale      virtual seconds per second
          --stream-interval tokens in an event of a stream
          --parallel        runs at once (default 1); each needs half a core and more
          --cpu-limit       percent of the machine above which a run is marked (default 60)
          --json            results as JSON, written after every run; --merge puts such files together
          --keep            a new folder, for what processes logged and gateways wrote, decision logs among it
        """;

    /// <summary>Round robin, which knows nothing, is what others are compared with unless said otherwise.</summary>
    public string[] Policies { get; init; } = [.. RoutePolicies.Names.OrderBy(name => name != "round-robin")];

    public int Seeds { get; init; } = 1;

    public ulong FirstSeed { get; init; } = 1;

    public int Parallel { get; init; } = 1;

    public double CpuLimit { get; init; } = 60;

    public string? JsonFile { get; init; }

    /// <summary>A folder that is left with everything that the runs wrote; null for one that is removed.</summary>
    public string? Keep { get; init; }

    public string[] Merge { get; init; } = [];

    public LiveSettings Settings { get; init; } = new();

    /// <summary>Null, with the reason, when the arguments make no sense.</summary>
    public static Options? Parse(ReadOnlySpan<string> arguments, out string error)
    {
        var options = new Options();
        error = "";
        for (; arguments.Length > 0; arguments = arguments[2..])
        {
            if (arguments.Length < 2)
            {
                error = $"{arguments[0]}: its value is missing";
                return null;
            }

            if ((options.With(arguments[0], arguments[1]) ?? options.WithSetting(arguments[0], arguments[1]))
                is not { } next)
            {
                error = $"{arguments[0]} {arguments[1]}: not understood";
                return null;
            }

            options = next;
        }

        return options;
    }

    private Options? With(string name, string value) => name switch
    {
        "--policies" when Names(value) is { Length: > 0 } names && names.All(RoutePolicies.Names.Contains) =>
            this with { Policies = names },
        "--merge" when Names(value) is { Length: > 0 } files => this with { Merge = files },
        "--json" => this with { JsonFile = value },
        "--keep" => this with { Keep = Path.GetFullPath(value) },
        "--seeds" when Number(value, 1, 1000) is { } n => this with { Seeds = (int)n },
        "--first-seed" when Number(value, 0, 1e9) is { } n => this with { FirstSeed = (ulong)n },
        "--parallel" when Number(value, 1, 64) is { } n => this with { Parallel = (int)n },
        "--cpu-limit" when Number(value, 1, 100) is { } n => this with { CpuLimit = n },
        _ => null,
    };

    private Options? WithSetting(string name, string value)
    {
        LiveSettings? settings = name switch
        {
            "--profile" => Settings with { Profile = value },
            "--sessions" when Number(value, 1, 400) is { } n => Settings with { Sessions = (int)n },
            "--minutes" when Number(value, 0.1, 1e4) is { } n => Settings with { Minutes = n },
            "--warm-up" when Number(value, 0, 1e4) is { } n => Settings with { WarmUpMinutes = n },
            "--replicas" when Number(value, 1, 256) is { } n => Settings with { Replicas = (int)n },
            "--kv-tokens" when Number(value, 1, 1e8) is { } n => Settings with { KvTokens = (int)n },
            "--time-scale" when Number(value, 0.01, 1000) is { } n => Settings with { TimeScale = n },
            "--stream-interval" when Number(value, 1, 1000) is { } n => Settings with { StreamInterval = (int)n },
            _ => null,
        };
        return settings is null ? null : this with { Settings = settings };
    }

    private static double? Number(string value, double min, double max) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number : null;

    private static string[] Names(string value) =>
        value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
