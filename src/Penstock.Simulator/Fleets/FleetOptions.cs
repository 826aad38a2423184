using Penstock.Core.Routing;
using Penstock.Simulator.Replicas;

namespace Penstock.Simulator.Fleets;

/// <summary>What a fleet is made of and how it is driven.</summary>
public sealed record FleetOptions
{
    public required IReadOnlyList<EngineProfile> Replicas { get; init; }

    /// <summary>Makes one policy a gateway, which sees the true engines if it wants to.</summary>
    public required Func<IReadOnlyList<EngineModel>, RoutePolicy> Policy { get; init; }

    public ulong Seed { get; init; }

    /// <summary>Seconds of virtual time after which nobody asks any more; what is in flight then comes to its end.
    /// </summary>
    public double Seconds { get; init; } = 3_600;

    /// <summary>Requests that arrive in these first seconds are not measured.</summary>
    public double WarmupSeconds { get; init; } = 600;

    /// <summary>Nodes that route, each on its own; requests come to them at random.</summary>
    public int Gateways { get; init; } = 1;

    /// <summary>Seconds between the reports of an engine's load; 0 for none.</summary>
    public double LoadReportSeconds { get; init; } = 1;

    /// <summary>Seconds that a report is old when it is told.</summary>
    public double LoadReportDelay { get; init; }

    /// <summary>Gateways hear of first and last tokens only at multiples of so many seconds, as on machines that are
    /// short of a core; 0 for at once.</summary>
    public double HearEvery { get; init; }

    /// <summary>The shapes of the caches are told to the gateways.</summary>
    public bool TellsCacheShape { get; init; } = true;

    /// <summary>The objectives of all requests.</summary>
    public Slo Slo { get; init; }

    public PeerOptions Peers { get; init; } = new();

    /// <summary>A profile with other memory, in blocks that a workload's prompts are made of.</summary>
    public static EngineProfile WithCache(EngineProfile profile, long tokens)
    {
        ArgumentNullException.ThrowIfNull(profile);
        var blocks = (int)(tokens / Workloads.FleetRequest.BlockTokens);
        return profile with
        {
            BlockSize = Workloads.FleetRequest.BlockTokens,
            KvBlocks = blocks,
            ModelLengthMax = (int)Math.Min((long)blocks * Workloads.FleetRequest.BlockTokens, 262_144),
        };
    }
}

/// <summary>What the gateways tell each other, and what goes wrong between them. Times in seconds.</summary>
public sealed record PeerOptions
{
    /// <summary>They tell each other what they have in flight, and what they sent where.</summary>
    public bool Talk { get; init; } = true;

    public double Every { get; init; } = 0.025;

    /// <summary>How long a message is under way.</summary>
    public double Delay { get; init; } = 0.005;

    /// <summary>From when to when the first half of the gateways and the others do not hear each other.</summary>
    public double PartitionFrom { get; init; } = double.PositiveInfinity;

    public double PartitionTo { get; init; } = double.PositiveInfinity;

    internal bool IsParted(Core.Primitives.Instant now) => now.Seconds >= PartitionFrom && now.Seconds < PartitionTo;

    /// <summary>When the last gateway dies, with all that it has in flight.</summary>
    public double DiesAt { get; init; } = double.PositiveInfinity;

    /// <summary>A gateway that was silent for so long is taken to be gone.</summary>
    public double GoneAfter { get; init; } = 3;
}
