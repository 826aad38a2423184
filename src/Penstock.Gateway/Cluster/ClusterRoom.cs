using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using Penstock.Core.Config;
using Penstock.Gateway.Cluster.Incoming;
using Penstock.Gateway.Cluster.Membership;
using Penstock.Gateway.Cluster.Outgoing;

namespace Penstock.Gateway.Cluster;

/// <summary>
/// This gateway among the others: its port for them, its streams to them, and who they are. What a fault of a peer, the
/// network or the database costs is knowledge; nothing waits for any of them.
/// </summary>
internal sealed class ClusterRoom : IAsyncDisposable
{
    private readonly PeerPort _port;

    private ClusterRoom(ClusterSelf self, PeerViews views, PeerPort port, LinkParts parts, IMemberStore? store)
    {
        _port = port;
        Self = self;
        Views = views;
        Counters = parts.Outbox.Counters;
        Outbox = parts.Outbox;
        Links = new PeerLinks(parts);
        Members = new MemberBook(self, Links);
        Watch = store is null ? null : new MemberWatch(store, self, Members, parts.Time, parts.Log);
    }

    public ClusterSelf Self { get; }

    public ClusterCounters Counters { get; }

    /// <summary>Where pools say what they have in flight and what they routed where.</summary>
    public PeerOutbox Outbox { get; }

    /// <summary>What the others say.</summary>
    public PeerViews Views { get; }

    public PeerLinks Links { get; }

    public MemberBook Members { get; }

    /// <summary>The database in which gateways find each other; null where they are listed only.</summary>
    public MemberWatch? Watch { get; }

    /// <summary>Opens the port and begins to find and to tell the others. Neither has to succeed.</summary>
    /// <param name="settings">As configured.</param>
    /// <param name="outbox">Where the pools report.</param>
    /// <param name="sink">Who uses what the others say.</param>
    /// <param name="store">Where gateways find each other; null: as listed only. Disposed with the room.</param>
    /// <param name="time">Times and waits.</param>
    /// <param name="log">Where changes are reported.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ClusterRoom> OpenAsync(
        ClusterSnapshot settings, PeerOutbox outbox, IPeerSink sink, IMemberStore? store, TimeProvider time,
        ILogger log, CancellationToken stop)
    {
        var self = ClusterSelf.Of(settings, time);
        var proof = new PeerProof(settings.Secret);
        var views = new PeerViews(sink, outbox.Counters, time, log);
        try
        {
            var door = new PeerDoor(self, proof, views, outbox.Counters, log);
            var port = await PeerPort.OpenAsync(HostOf(settings), settings.Port, door, stop);
            self.Address = settings.Advertise ?? new Uri($"http://{port.End}");
            var parts = new LinkParts(self, proof, outbox, time, log);
            var room = new ClusterRoom(self, views, port, parts, store);
            room.Members.List(settings.Peers);
            room.Watch?.Start();
            return room;
        }
        catch
        {
            await views.DisposeAsync();
            throw;
        }
    }

    /// <summary>Another list of gateways is in force.</summary>
    public void List(ImmutableArray<Uri> peers) => Members.List(peers);

    /// <summary>Leaves: says goodbye to the others, takes itself out of the database, closes the port.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Watch is not null)
        {
            await Watch.DisposeAsync();
        }

        await Links.DisposeAsync();
        await _port.DisposeAsync();
        await Views.DisposeAsync();
    }

    private static IPAddress HostOf(ClusterSnapshot settings) =>
        IPAddress.TryParse(settings.Host, out var address) ? address : IPAddress.Loopback;
}
