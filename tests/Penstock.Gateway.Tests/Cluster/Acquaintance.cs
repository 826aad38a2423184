using System.Text.Json;
using Penstock.Core.Config;
using Penstock.Gateway.Tests.Requests;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>Makes two running gateways know each other.</summary>
internal static class Acquaintance
{
    private const string Variable = "PENSTOCK_TEST_CLUSTER_SECRET";

    /// <summary>The document of a gateway that is one of several.</summary>
    public static PenstockConfig WithCluster(PenstockConfig document, string node)
    {
        Environment.SetEnvironmentVariable(Variable, ClusterNode.Secret);
        return document with
        {
            Cluster = new ClusterConfig { Node = node, Port = 0, Secret = new CredentialConfig { Env = Variable } },
        };
    }

    /// <summary>Completes once each tells the other.</summary>
    public static async Task MakeAsync(RunningGateway first, RunningGateway second)
    {
        await TellAsync(first, await AddressAsync(second));
        await TellAsync(second, await AddressAsync(first));
    }

    /// <summary>Moves both clocks by the pace of the streams until something is so.</summary>
    public static async Task PassTimeUntilAsync(RunningGateway first, RunningGateway second, Func<Task<bool>> holds)
    {
        while (!await holds())
        {
            RunningGateway.Guard.ThrowIfCancellationRequested();
            first.Clock.Advance(TimeSpan.FromMilliseconds(25));
            second.Clock.Advance(TimeSpan.FromMilliseconds(25));
        }
    }

    private static async Task<Uri> AddressAsync(RunningGateway gateway) =>
        new((await gateway.AdminAsync("/admin/cluster")).GetProperty("address").GetString()!);

    private static async Task TellAsync(RunningGateway gateway, Uri peer)
    {
        var document = gateway.Source.Document;
        document = document with { Cluster = document.Cluster! with { Peers = [peer] } };
        var secrets = Gateway.Configuration.SecretReader.FromProcess(".").Read(document);
        Assert.Empty(gateway.Source.Apply(document, secrets));
        JsonElement cluster;
        do
        {
            gateway.Clock.Advance(TimeSpan.FromMilliseconds(25));
            cluster = await gateway.AdminAsync("/admin/cluster");
        }
        while (cluster.GetProperty("links").EnumerateArray().Single().GetProperty("state").GetString() != "up");
    }
}
