using System.Collections.Immutable;

namespace Penstock.Core.Config;

/// <summary>How this gateway is one of several over the same replicas; becomes <see cref="ClusterSnapshot"/>.</summary>
public sealed record ClusterConfig
{
    [Setting("Unique name of this gateway; the machine's name and six random hex digits where it is missing.",
        Restart = true)]
    public string? Node { get; init; }

    [Setting("Address that other gateways reach this one at; keep it away from clients.", Restart = true)]
    public string Host { get; init; } = "127.0.0.1";

    [Setting("Port for other gateways; 0 takes a free one.", Min = 0, Max = 65_535, Restart = true)]
    public int Port { get; init; } = 8082;

    [Setting("The URL that other gateways use for this one; needed where host is no address of its own, or a name "
        + "stands before it.", Restart = true)]
    public Uri? Advertise { get; init; }

    [Setting("URLs of other gateways; the same list for all will do, for a gateway recognises itself.")]
    public ImmutableArray<Uri> Peers { get; init; } = [];

    [Setting("PostgreSQL in which gateways find each other, such as postgres://penstock@db:5432/penstock; without it "
        + "only those in peers are known.", Restart = true)]
    public Uri? Database { get; init; }

    [Setting("Where the password for the database comes from.", Secret = true, Restart = true)]
    public CredentialConfig? DatabasePassword { get; init; }

    [Setting("Where the secret comes from that all gateways of the cluster share.", Secret = true, Restart = true)]
    public required CredentialConfig Secret { get; init; }
}
