using System.Collections.Immutable;
using System.Net;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine;

/// <summary>One simulated engine: what it pretends to be, and where it listens.</summary>
public sealed record SimulatedEngineOptions
{
    /// <summary>Timing, memory and limits.</summary>
    public required EngineProfile Profile { get; init; }

    /// <summary>The kind of engine that is played.</summary>
    public SimulatedEngineKind Kind { get; init; }

    /// <summary>Tokens that the cache holds; null: those of the profile.</summary>
    public long? KvTokens { get; init; }

    /// <summary>Tokens of a block or page; null: as the kind has them.</summary>
    public int? BlockTokens { get; init; }

    /// <summary>Slots of a llama.cpp server, which share the tokens evenly; null: four.</summary>
    public int? Slots { get; init; }

    /// <summary>Tokens that a llama.cpp server keeps in the host's memory.</summary>
    public long HostCacheTokens { get; init; }

    /// <summary>What it publishes over ZMQ; null: nothing.</summary>
    public SimulatedEventOptions? Events { get; init; }

    /// <summary>The names under which the model is served; the first is the one that lists show.</summary>
    public required ImmutableArray<string> Models { get; init; }

    /// <summary>Starts of names that are accepted as well, such as <c>claude-</c>.</summary>
    public ImmutableArray<string> ModelPrefixes { get; init; } = [];

    /// <summary>Accepts every model name.</summary>
    public bool AnyModel { get; init; }

    /// <summary>Draws step jitter, answers and faults.</summary>
    public ulong Seed { get; init; }

    public EngineFaults Faults { get; init; } = new();

    /// <summary>Virtual seconds per real second: 10 makes the engine ten times as fast as its profile.</summary>
    public double TimeScale { get; init; } = 1;

    /// <summary>
    /// A stream is written every so many tokens, after the first (vLLM: stream_interval); 1 writes each.
    /// </summary>
    public int StreamInterval { get; init; } = 1;

    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The TCP port; 0 takes a free one.</summary>
    public int Port { get; init; }

    internal bool Serves(string model)
    {
        if (AnyModel || Models.Contains(model, StringComparer.Ordinal))
        {
            return true;
        }

        foreach (var prefix in ModelPrefixes)
        {
            if (model.StartsWith(prefix, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
