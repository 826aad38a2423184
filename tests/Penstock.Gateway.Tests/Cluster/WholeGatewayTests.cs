using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>The cluster as part of a gateway: configured, shown, told of changes.</summary>
public class WholeGatewayTests
{
    private const string Variable = "PENSTOCK_TEST_CLUSTER_SECRET";

    public WholeGatewayTests() => Environment.SetEnvironmentVariable(Variable, ClusterNode.Secret);

    [Fact]
    public async Task Without_the_section_a_gateway_works_alone_and_says_so()
    {
        await using var engine = Personality.Anthropic.Start();
        await using var gateway = await RunningGateway.StartAsync(engine);
        var cluster = await gateway.AdminAsync("/admin/cluster");
        Assert.Equal(JsonValueKind.Null, cluster.GetProperty("node").ValueKind);
        Assert.Empty(cluster.GetProperty("links").EnumerateArray());
    }

    [Fact]
    public async Task The_admin_port_shows_whom_a_gateway_tells_and_hears_and_a_reload_changes_it()
    {
        await using var engine = Personality.Anthropic.Start();
        await using var other = await ClusterNode.StartAsync("other");
        await using var gateway = await RunningGateway.StartAsync(WithCluster, engine);
        var cluster = await gateway.AdminAsync("/admin/cluster");
        Assert.Equal("me", cluster.GetProperty("node").GetString());
        Assert.Equal(JsonValueKind.Null, cluster.GetProperty("database").ValueKind);
        var address = new Uri(cluster.GetProperty("address").GetString()!);

        var document = gateway.Source.Document;
        document = document with { Cluster = document.Cluster! with { Peers = [other.Address] } };
        Assert.Empty(gateway.Source.Apply(
            document, Gateway.Configuration.SecretReader.FromProcess(".").Read(document)));
        Assert.Empty(gateway.Source.Status.RestartNeeded);
        other.Pool.LoadChanged(0, 4, 0, 0);
        other.Room.List([address]);
        JsonElement link, peer;
        do
        {
            cluster = await gateway.AdminAsync("/admin/cluster");
            link = cluster.GetProperty("links").EnumerateArray().Single();
            peer = cluster.GetProperty("peers").EnumerateArray().SingleOrDefault();
        }
        while (link.GetProperty("state").GetString() != "up" || peer.ValueKind == JsonValueKind.Undefined
            || peer.GetProperty("in_flight").GetInt64() != 4);

        Assert.Equal("other", link.GetProperty("node").GetString());
        Assert.True(peer.GetProperty("heard").GetBoolean());
        Assert.Equal("other", peer.GetProperty("node").GetString());
    }

    private static PenstockConfig WithCluster(PenstockConfig document) => document with
    {
        Cluster = new ClusterConfig { Node = "me", Port = 0, Secret = new CredentialConfig { Env = Variable } },
    };
}
