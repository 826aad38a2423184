using System.Globalization;
using Penstock.Bench.Processes;

namespace Penstock.Bench;

/// <summary>The command line of the driver.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: eng/bench/run [--only NAMES] [--sections NAMES] [--seconds N] [--rounds N] [--large]
                             [--gateway-cmd COMMAND] [--json]
          --only         gateways to measure: nginx,yarp,penstock (default: all three)
          --sections     parts to run: request,long-prompt,event,first-token,half-load,idle,idle-replicas
                         (default: all)
          --seconds      length of one measurement (default 2)
          --rounds       measurements of each figure, taken in turn over the gateways (default 3)
          --large        also a 400 KB body (about 100k tokens)
          --gateway-cmd  how to start Penstock; {port} {admin} {data} {engine} are filled in
          --json         one JSON document on standard output, nothing else
        """;

    public static readonly string[] AllSections =
        ["request", "long-prompt", "event", "first-token", "half-load", "idle", "idle-replicas"];

    public string[] Gateways { get; init; } = Target.Gateways;

    public string[] Sections { get; init; } = AllSections;

    public double Seconds { get; init; } = 2;

    public int Rounds { get; init; } = 3;

    public bool Large { get; init; }

    public bool Json { get; init; }

    public string? GatewayCommand { get; init; }

    /// <summary>Null, with the reason, when the arguments make no sense.</summary>
    public static Options? Parse(ReadOnlySpan<string> arguments, out string error)
    {
        var options = new Options();
        error = "";
        for (; arguments.Length > 0; arguments = arguments[1..])
        {
            var name = arguments[0];
            if (name is "--json" or "--large")
            {
                options = name == "--json" ? options with { Json = true } : options with { Large = true };
                continue;
            }

            if (arguments.Length < 2)
            {
                error = $"{name}: unknown, or its value is missing";
                return null;
            }

            arguments = arguments[1..];
            if (options.With(name, arguments[0]) is not { } next)
            {
                error = $"{name} {arguments[0]}: not understood";
                return null;
            }

            options = next;
        }

        return options;
    }

    private Options? With(string name, string value) => name switch
    {
        "--only" when Names(value, Target.Gateways) is { } names => this with { Gateways = names },
        "--sections" when Names(value, AllSections) is { } names => this with { Sections = names },
        "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out var seconds)
            && seconds is > 0 and <= 600 => this with { Seconds = seconds },
        "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out var rounds) && rounds is > 0 and <= 100
            => this with { Rounds = rounds },
        "--gateway-cmd" => this with { GatewayCommand = value },
        _ => null,
    };

    private static string[]? Names(string value, string[] known)
    {
        var names = value.Split(',', StringSplitOptions.RemoveEmptyEntries);
        return names.Length > 0 && names.All(known.Contains) ? [.. known.Where(names.Contains)] : null;
    }
}
