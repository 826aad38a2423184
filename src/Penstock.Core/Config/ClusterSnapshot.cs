using System.Collections.Immutable;

namespace Penstock.Core.Config;

/// <summary>How this gateway is one of several. All but the peers is used as it was at the start.</summary>
public sealed record ClusterSnapshot
{
    /// <summary>The name; null leaves the choice to the process.</summary>
    public string? Node { get; init; }

    public string Host { get; init; } = "127.0.0.1";

    public int Port { get; init; }

    /// <summary>The URL for others; null where it follows from host and port.</summary>
    public Uri? Advertise { get; init; }

    public ImmutableArray<Uri> Peers { get; init; } = [];

    /// <summary>Where gateways find each other; null: in <see cref="Peers"/> alone.</summary>
    public Uri? Database { get; init; }

    /// <summary>Already read from its source; never logged.</summary>
    public string? DatabasePassword { get; init; }

    /// <summary>What all gateways of the cluster know; already read from its source, never logged.</summary>
    public required string Secret { get; init; }

    /// <summary>The name alone: a record would print its secrets.</summary>
    public override string ToString() => Node ?? "cluster";
}
