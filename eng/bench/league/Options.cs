using System.Globalization;

namespace Penstock.League;

/// <summary>What is asked for on the command line, as <c>--name value</c>.</summary>
internal sealed class Options(string[] args)
{
    public static string Help => """
        Plays workloads on a simulated fleet with each policy and prints who serves them best.

          --workload sessions|conversation|chat|bursts|hot   (sessions)
          --policies a,b,c       policies by name, and oracle (all)
          --replicas LIST        such as 8xh100-qwen3-32b or 4xh100-qwen3-32b,4xh200-llama-3.1-70b
          --cache N              tokens of KV cache a replica; 0 keeps the profile's (1000000)
          --seeds N              runs a policy (5)
          --seconds N --warmup N virtual seconds, and those not measured (3600, 900; of conversation all, and 0)
          --sessions N           concurrent sessions (120) or chats (400)
          --whole X              share of the sessions whose answers are not streamed (0)
          --speedup X            of the conversation trace (4)
          --rate X               bursts a second of bursts (0.5), requests a second of hot (12)
          --first-token X,X      objectives for the first token in seconds, each for every policy; 0 for none (0)
          --per-token X          objective for each token after it, in seconds; 0 for none (0)
          --gateways N,N         nodes that route (1)
          --news a,b             what they know of each other: on, off, partition, dead, or delays as 50ms or 5s (on)
          --report-seconds X     between load reports of the engines; 0 for none (1)
          --report-delay X       how old a report is when it is told (0)
          --hear-every X         gateways hear of tokens at multiples of so many seconds; 0 at once (0)
          --threads N            runs at a time (1)
          --each                 the 90th percentile and the share in time of every seed as well

        Recorded traces are looked for in PENSTOCK_DATA/traces.
        """;

    /// <summary>What is wrong with the line, so that no run is taken for another one; null where nothing is.</summary>
    public string? Problem()
    {
        for (var at = 0; at < args.Length; at++)
        {
            var name = args[at];
            if (!name.StartsWith("--", StringComparison.Ordinal)
                || !Help.Contains($" {name} ", StringComparison.Ordinal))
            {
                return $"there is no option {name}";
            }

            if (name != "--each" && ++at == args.Length)
            {
                return $"{name} wants a value";
            }
        }

        return null;
    }

    public string Text(string name, string otherwise)
    {
        var at = Array.IndexOf(args, "--" + name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : otherwise;
    }

    public double Number(string name, double otherwise) =>
        double.Parse(Text(name, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

    public int Count(string name, int otherwise) => (int)Number(name, otherwise);
}
