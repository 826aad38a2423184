using System.CommandLine;
using System.Net;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine;

/// <summary>The options of <c>penstock engine</c> that say what the engine is, and where.</summary>
internal static class EngineOptions
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

    private static readonly Option<string> Kind = new("--kind")
    {
        Description = "Engine to play: vllm, sglang, trtllm or llamacpp. It decides the status pages and the cache.",
        DefaultValueFactory = static _ => "vllm",
    };

    private static readonly Option<long?> KvTokens = new("--kv-tokens")
    {
        Description = "Tokens that the cache holds, instead of the profile's.",
    };

    private static readonly Option<int?> BlockSize = new("--block-size")
    {
        Description = "Tokens of a block or page, instead of the engine's default.",
    };

    private static readonly Option<int?> Slots = new("--slots")
    {
        Description = "Slots of a llamacpp engine, which share the tokens evenly; 4 unless given.",
    };

    private static readonly Option<long> HostCache = new("--host-cache-tokens")
    {
        Description = "Tokens of idle slots that a llamacpp engine keeps in the host's memory.",
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

    public static IReadOnlyList<Option> All { get; } =
    [
        Port, Host, Model, AnyModel, Profile, Kind, KvTokens, BlockSize, Slots, HostCache, StreamInterval, Seed,
        TimeScale,
    ];

    /// <summary>Reads all options; what is wrong with them goes to <paramref name="errors"/>.</summary>
    public static SimulatedEngineOptions? Read(ParseResult parsed, List<string> errors)
    {
        if (FindProfile(parsed.GetValue(Profile)!, errors) is not { } profile)
        {
            return null;
        }

        if (!IPAddress.TryParse(parsed.GetValue(Host), out var address))
        {
            errors.Add("--host is not an IP address");
        }

        Require(parsed.GetValue(Port) is >= 0 and <= 65535, "--port must be from 0 to 65535");
        Require(parsed.GetValue(TimeScale) is > 0 and <= 1e6, "--time-scale must be above 0 and at most 1000000");
        Require(parsed.GetValue(StreamInterval) >= 1, "--stream-interval must be at least 1");
        Require(!parsed.GetValue(Model)!.Any(string.IsNullOrWhiteSpace), "--model must not be empty");
        var kind = KindOf(parsed.GetValue(Kind)!);
        Require(kind is not null, "--kind must be vllm, sglang, trtllm or llamacpp");
        var options = new SimulatedEngineOptions
        {
            Profile = profile,
            Kind = kind ?? default,
            KvTokens = parsed.GetValue(KvTokens),
            BlockTokens = parsed.GetValue(BlockSize),
            Slots = parsed.GetValue(Slots),
            HostCacheTokens = parsed.GetValue(HostCache),
            Models = [.. parsed.GetValue(Model)!],
            AnyModel = parsed.GetValue(AnyModel),
            Seed = parsed.GetValue(Seed),
            Faults = FaultOptions.Read(parsed, errors),
            Events = EventOptions.Read(parsed, errors),
            TimeScale = parsed.GetValue(TimeScale),
            StreamInterval = parsed.GetValue(StreamInterval),
            Address = address ?? IPAddress.Loopback,
            Port = parsed.GetValue(Port),
        };
        errors.AddRange(Kinds.EngineShape.Of(options).Errors().Select(problem => $"the cache cannot be so: {problem}"));
        return errors.Count > 0 ? null : options;

        void Require(bool holds, string message)
        {
            if (!holds)
            {
                errors.Add(message);
            }
        }
    }

    private static SimulatedEngineKind? KindOf(string name) => name switch
    {
        "vllm" => SimulatedEngineKind.Vllm,
        "sglang" => SimulatedEngineKind.Sglang,
        "trtllm" => SimulatedEngineKind.Trtllm,
        "llamacpp" => SimulatedEngineKind.LlamaCpp,
        _ => null,
    };

    private static EngineProfile? FindProfile(string name, List<string> errors)
    {
        if (ProfileCatalog.Find(name) is { } builtIn)
        {
            return builtIn;
        }

        if (!File.Exists(name))
        {
            var names = string.Join(", ", ProfileCatalog.All.Select(profile => profile.Name));
            errors.Add($"no profile '{name}': neither a file nor one of {names}");
            return null;
        }

        var profile = ProfileCatalog.Parse(File.ReadAllBytes(name), out var problems);
        errors.AddRange(problems.Select(problem => $"{name}: {problem}"));
        return profile;
    }
}
