using System.CommandLine;
using Penstock.Wire.KvEvents;

namespace Penstock.Cli.Engine;

/// <summary>The options of <c>penstock engine</c> that say what it publishes over ZMQ.</summary>
internal static class EventOptions
{
    private const string Addresses =
        " tcp://HOST:PORT; with * or :: in it, or port 0, it is listened on, else connected to.";

    private static readonly Option<string?> Dialect = new("--kv-events")
    {
        Description = "Publish cache events as vllm-array, vllm-map, sglang-array or sglang-map.",
    };

    private static readonly Option<string> Endpoint = new("--kv-events-endpoint")
    {
        Description = "Where to publish them:" + Addresses,
        DefaultValueFactory = static _ => "tcp://*:5557",
    };

    private static readonly Option<string?> Replay = new("--kv-replay-endpoint")
    {
        Description = "Where missed ones can be asked for: tcp://HOST:PORT, listened on.",
    };

    private static readonly Option<string> Topic = new("--kv-events-topic")
    {
        Description = "Topic of the events.",
        DefaultValueFactory = static _ => "",
    };

    private static readonly Option<string?> Hashes = new("--kv-events-hashes")
    {
        Description = "Name blocks by int or bytes; as the dialect does unless given.",
    };

    private static readonly Option<int> Buffer = new("--kv-events-buffer")
    {
        Description = "Batches kept for replay.",
        DefaultValueFactory = static _ => new SimulatedEventOptions().BufferBatches,
    };

    private static readonly Option<int> Hwm = new("--kv-events-hwm")
    {
        Description = "Batches that wait for one subscriber at most; more are lost.",
        DefaultValueFactory = static _ => new SimulatedEventOptions().QueueMax,
    };

    private static readonly Option<string?> Load = new("--load-events")
    {
        Description = "Publish load in SGLang's form:" + Addresses,
    };

    private static readonly Option<int> Rank = new("--data-parallel-rank")
    {
        Description = "Rank to play: told in every batch, and added to the ports.",
    };

    public static IReadOnlyList<Option> All { get; } =
        [Dialect, Endpoint, Replay, Topic, Hashes, Buffer, Hwm, Load, Rank];

    /// <summary>Reads them; what is wrong with them goes to <paramref name="errors"/>.</summary>
    public static SimulatedEventOptions? Read(ParseResult parsed, List<string> errors)
    {
        var dialect = parsed.GetValue(Dialect);
        var load = parsed.GetValue(Load);
        if (dialect is null && load is null)
        {
            return null;
        }

        var options = new SimulatedEventOptions
        {
            Dialect = DialectOf(dialect, errors),
            HashForm = FormOf(parsed.GetValue(Hashes), errors),
            Endpoint = dialect is null ? null : parsed.GetValue(Endpoint),
            ReplayEndpoint = dialect is null ? null : parsed.GetValue(Replay),
            LoadEndpoint = load,
            Topic = parsed.GetValue(Topic)!,
            Rank = parsed.GetValue(Rank),
            BufferBatches = parsed.GetValue(Buffer),
            QueueMax = parsed.GetValue(Hwm),
        };
        errors.AddRange(options.Errors().Select(static problem =>
        {
            var name = problem[..problem.IndexOf(' ', StringComparison.Ordinal)];
            return $"--{name.Replace('_', '-')}{problem[name.Length..]}";
        }));
        return options;
    }

    private static KvDialect DialectOf(string? name, List<string> errors)
    {
        switch (name)
        {
            case "vllm-array":
                return KvDialect.VllmArrays;
            case "vllm-map" or null:
                return KvDialect.VllmMaps;
            case "sglang-array":
                return KvDialect.SglangArrays;
            case "sglang-map":
                return KvDialect.SglangMaps;
            default:
                errors.Add("--kv-events must be vllm-array, vllm-map, sglang-array or sglang-map");
                return default;
        }
    }

    private static KvHashForm? FormOf(string? name, List<string> errors)
    {
        switch (name)
        {
            case "bytes":
                return KvHashForm.Digest;
            case "int" or null:
                return null;
            default:
                errors.Add("--kv-events-hashes must be int or bytes");
                return null;
        }
    }
}
