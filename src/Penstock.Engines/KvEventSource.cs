using System.Collections.Immutable;
using System.Globalization;

namespace Penstock.Engines;

/// <summary>How an engine hands out what happens in its prefix cache.</summary>
public enum KvEventChannel
{
    /// <summary>A ZMQ publisher for each data-parallel rank (vLLM, SGLang).</summary>
    Zmq,

    /// <summary>An HTTP endpoint that gives each event once, to whoever asks first (TensorRT-LLM).</summary>
    HttpDrain,
}

/// <summary>
/// Where an engine publishes what happens in its prefix cache: told by the engine (SGLang, TensorRT-LLM) or configured
/// (vLLM tells nothing of it over HTTP). Immutable.
/// </summary>
public sealed record KvEventSource
{
    /// <summary>Ranks that are followed; the publishers of more are left alone.</summary>
    public const int RanksMax = 256;

    public required KvEventChannel Channel { get; init; }

    /// <summary>Addresses to connect a SUB socket to, such as <c>tcp://10.0.0.3:5557</c>, in the order of the ranks;
    /// empty where the channel is no socket.</summary>
    public ImmutableArray<string> Endpoints { get; init; } = [];

    /// <summary>Addresses that replay missed events, in the order of the ranks; empty where none is known.</summary>
    public ImmutableArray<string> ReplayEndpoints { get; init; } = [];

    /// <summary>The prefix of topics to subscribe to; empty: all.</summary>
    public string Topic { get; init; } = "";

    /// <summary>Tokens of a block of the events, which may be larger than a page of the cache.</summary>
    public long? BlockTokens { get; init; }

    /// <summary>Blocks are hashed over pairs of neighbouring tokens (SGLang with an EAGLE draft model).</summary>
    public bool TokenPairs { get; init; }

    /// <summary>The engine's own name for how it hashes blocks; null: not told.</summary>
    public string? HashAlgorithm { get; init; }

    /// <summary>Addresses of the publishers of load, in the order of the ranks; empty where there are none.</summary>
    public ImmutableArray<string> LoadEndpoints { get; init; } = [];

    public string LoadTopic { get; init; } = "";

    /// <summary>
    /// The addresses of all ranks: rank r listens on the base port plus r (vLLM and SGLang alike). A wildcard host is
    /// replaced by <paramref name="host"/>, where the engine is reached.
    /// </summary>
    /// <param name="publisher">The host as the publisher binds it; may be a wildcard.</param>
    /// <param name="port">The port of rank 0.</param>
    /// <param name="ranks">At least one is assumed, and <see cref="RanksMax"/> at most.</param>
    /// <param name="host">Stands in for a wildcard; IPv6 addresses with or without brackets.</param>
    /// <returns>Empty where the ports do not fit.</returns>
    public static ImmutableArray<string> EndpointsOf(string publisher, long port, long ranks, string host)
    {
        ranks = Math.Clamp(ranks, 1, RanksMax);
        if (port < 1 || port + ranks - 1 > ushort.MaxValue)
        {
            return [];
        }

        var name = publisher is "" or "*" or "0.0.0.0" or "::" or "[::]" ? host : publisher;
        name = name.Contains(':') && !name.StartsWith('[') ? $"[{name}]" : name;
        return
        [
            .. Enumerable.Range(0, (int)ranks)
                .Select(r => string.Create(CultureInfo.InvariantCulture, $"tcp://{name}:{port + r}")),
        ];
    }

    /// <summary>Two sources are equal where every address and setting is: what a reload compares.</summary>
    public bool Equals(KvEventSource? other) => other is not null
        && Channel == other.Channel && Topic == other.Topic && LoadTopic == other.LoadTopic
        && BlockTokens == other.BlockTokens && TokenPairs == other.TokenPairs && HashAlgorithm == other.HashAlgorithm
        && Endpoints.SequenceEqual(other.Endpoints) && ReplayEndpoints.SequenceEqual(other.ReplayEndpoints)
        && LoadEndpoints.SequenceEqual(other.LoadEndpoints);

    public override int GetHashCode() => HashCode.Combine(Channel, Topic, BlockTokens, Endpoints.Length);
}
