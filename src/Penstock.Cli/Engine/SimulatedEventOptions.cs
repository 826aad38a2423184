using Penstock.Cli.Engine.Publishing;
using Penstock.Wire.KvEvents;

namespace Penstock.Cli.Engine;

/// <summary>
/// What a simulated engine publishes over ZMQ, and where. Addresses are <c>tcp://host:port</c>; as in vLLM an address
/// with <c>*</c> or <c>::</c> is listened on and any other one connected to, and a port of 0 listens on a free one.
/// </summary>
public sealed record SimulatedEventOptions
{
    /// <summary>How events are written.</summary>
    public KvDialect Dialect { get; init; } = KvDialect.VllmMaps;

    /// <summary>How blocks are named; null: as the dialect does.</summary>
    public KvHashForm? HashForm { get; init; }

    /// <summary>Where cache events go; null: none are published.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Where missed ones can be asked for, always listened on; null: nowhere.</summary>
    public string? ReplayEndpoint { get; init; }

    /// <summary>Where load goes, in SGLang's form; null: none is published.</summary>
    public string? LoadEndpoint { get; init; }

    public string Topic { get; init; } = "";

    /// <summary>The data-parallel rank that is played: it is told in every batch and added to every port.</summary>
    public int Rank { get; init; }

    /// <summary>Batches kept for those who missed them.</summary>
    public int BufferBatches { get; init; } = 10_000;

    /// <summary>Messages that wait for one subscriber at most; more are lost for it.</summary>
    public int QueueMax { get; init; } = 100_000;

    /// <summary>Everything that is wrong; empty where it can be used.</summary>
    public IReadOnlyList<string> Errors()
    {
        List<string> errors = [];
        foreach (var (name, value) in new[]
        {
            ("kv_events_endpoint", Endpoint), ("kv_replay_endpoint", ReplayEndpoint), ("load_events", LoadEndpoint),
        })
        {
            if (value is not null && EventEndpoint.Parse(value, Rank) is null)
            {
                errors.Add($"{name} must be tcp://host:port with an IP address, localhost or *");
            }
        }

        if (Rank is < 0 or > 255)
        {
            errors.Add("data_parallel_rank must be from 0 to 255");
        }

        if (BufferBatches is < 0 or > 1_000_000)
        {
            errors.Add("kv_events_buffer must be from 0 to 1000000");
        }

        if (QueueMax is < 1 or > 1_000_000)
        {
            errors.Add("kv_events_hwm must be from 1 to 1000000");
        }

        return errors;
    }
}
