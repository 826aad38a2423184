using System.Collections.Immutable;
using Penstock.Cli.Engine;
using Penstock.Core.Config;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Serve;

/// <summary>
/// The fleet of a gateway that was told of none: four simulated replicas of two accelerator kinds in this process, each
/// on a port of its own, served like any engine.
/// </summary>
internal static class DemoFleet
{
    /// <summary>The model's name; in the model list, and in every answer, it is said to be simulated.</summary>
    public const string Model = "claude-simulated";

    private static readonly string[] Profiles = ["demo-h100", "demo-h100", "demo-l40s", "demo-l40s"];

    /// <summary>Starts the engines.</summary>
    /// <exception cref="IOException">No port could be had.</exception>
    public static Task<SimulatedEngineHost> StartAsync(CancellationToken stop)
    {
        ImmutableArray<SimulatedEngineOptions> engines =
        [
            .. Profiles.Select((name, i) => new SimulatedEngineOptions
            {
                Profile = ProfileCatalog.Find(name)!,
                Models = [Model],
                AnyModel = true,
                Seed = (ulong)i + 1,
            }),
        ];
        return SimulatedEngineHost.StartAsync(engines, stop);
    }

    /// <summary>The document that describes the demo.</summary>
    public static PenstockConfig Describe(ImmutableArray<Uri> urls, KeyConfig key, bool strict) => new()
    {
        Models =
        [
            new ModelConfig
            {
                Id = Model,
                Aliases = ["demo"],
                DisplayName = "Penstock demo model",
                ContextWindow = ProfileCatalog.Find(Profiles[0])!.ModelLengthMax,
            },
        ],
        DefaultModel = Model,
        StrictModels = strict,
        Pools =
        [
            new PoolConfig
            {
                Name = "demo",
                Model = Model,
                Accelerator = "simulated",
                Engine = "vllm",
                Simulated = true,
                Replicas =
                [
                    .. urls.Select((url, i) => new ReplicaConfig
                    {
                        Url = url,
                        Name = $"{Profiles[i]}-{i + 1}",
                        Accelerator = $"simulated-{Profiles[i]}",
                    }),
                ],
            },
        ],
        Keys = [key],
        Prices = [new PriceConfig { Model = Model, Input = 1m, CacheRead = 0.1m, Output = 5m }],
    };
}
