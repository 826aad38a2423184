using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Membership;
using Penstock.Gateway.Cluster.Outgoing;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>One gateway's part of a cluster on real sockets, with one pool of three replicas: r0, r1, r2.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    public const string Secret = "a-secret-that-all-of-them-know";

    private ClusterNode(ClusterRoom room, HeardNews heard)
    {
        Room = room;
        Heard = heard;
        Pool = room.Outbox.Open("p", ["r0", "r1", "r2"]);
    }

    public ClusterRoom Room { get; }

    /// <summary>What the others said.</summary>
    public HeardNews Heard { get; }

    /// <summary>Where the pool of this gateway reports.</summary>
    public PoolOutbox Pool { get; }

    public Uri Address => Room.Self.Address!;

    public static async Task<ClusterNode> StartAsync(
        string name, int port = 0, string secret = Secret, TimeProvider? time = null, IMemberStore? store = null,
        ILogger? log = null)
    {
        var heard = new HeardNews();
        var settings = new ClusterSnapshot { Node = name, Port = port, Secret = secret };
        return new ClusterNode(
            await ClusterRoom.OpenAsync(
                settings, new PeerOutbox(), heard, store, time ?? TimeProvider.System, log ?? NullLogger.Instance,
                TestContext.Current.CancellationToken),
            heard);
    }

    /// <summary>Gateways that all know each other from one list.</summary>
    public static async Task<ClusterNode[]> StartAllAsync(params string[] names)
    {
        var nodes = await Task.WhenAll(names.Select(n => StartAsync(n)));
        foreach (var node in nodes)
        {
            node.Room.List([.. nodes.Select(n => n.Address)]);
        }

        return nodes;
    }

    public static async Task StopAllAsync(params ClusterNode[] nodes) =>
        await Task.WhenAll(nodes.Select(n => n.DisposeAsync().AsTask()));

    public ValueTask DisposeAsync() => Room.DisposeAsync();
}
