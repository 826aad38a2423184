using System.Collections.Immutable;
using Penstock.Core.Config;

namespace Penstock.Core.Tests.Config;

public class ClusterRulesTests
{
    private const string Secret = "sixteen-letters-";

    private static readonly ClusterConfig Valid = new() { Secret = new() { Env = "SECRET" } };

    [Fact]
    public void A_cluster_is_compiled_with_its_secrets_and_never_prints_them()
    {
        var cluster = Compile(Valid with
        {
            Node = "gw-1",
            Peers = [new("http://10.0.0.2:8082")],
            Database = new("postgres://penstock@db/penstock?sslmode=require"),
            DatabasePassword = new() { Env = "PASSWORD" },
        }).Snapshot!.Cluster!;
        Assert.Equal((Secret, "hidden"), (cluster.Secret, cluster.DatabasePassword));
        Assert.Equal("gw-1", cluster.ToString());
        Assert.Equal(8082, cluster.Port);
        Assert.Null(Compile(null).Snapshot!.Cluster);
    }

    public static TheoryData<string, ClusterConfig> Mistakes() => new()
    {
        { "cluster.node: has a space, a control character or a letter outside ASCII; a name is printable ASCII without "
            + "spaces", Valid with { Node = "a b" } },
        { "cluster.host: 'gw-1' is no address to listen on; write an IP address, or localhost",
            Valid with { Host = "gw-1" } },
        { "cluster.port: is 8080, the same as server.port; choose another port", Valid with { Port = 8080 } },
        { "cluster.port: is 8081, the same as server.admin_port; choose another port", Valid with { Port = 8081 } },
        { "cluster.advertise: is missing, and 0.0.0.0 is no address that others can use; write the URL by which they "
            + "reach this gateway", Valid with { Host = "0.0.0.0" } },
        { "cluster.advertise: has the scheme 'ftp'; write http:// or https://",
            Valid with { Advertise = new("ftp://a") } },
        { "cluster.peers[1]: carries a query or a fragment; write scheme, host, port and path only",
            Valid with { Peers = [new("http://a"), new("http://a?b")] } },
        { "cluster.peers: has 65 entries; a cluster has at most 64",
            Valid with { Peers = [.. Enumerable.Range(0, 65).Select(i => new Uri($"http://n{i}"))] } },
        { "cluster.database: has the scheme 'mysql'; write postgres://USER@HOST:PORT/DATABASE",
            Valid with { Database = new("mysql://u@h/d") } },
        { "cluster.database: carries a password; take it out and use database_password",
            Valid with { Database = new("postgres://u:hidden@h/d") } },
        { "cluster.database: lacks a user, a host or a database; write postgres://USER@HOST:PORT/DATABASE",
            Valid with { Database = new("postgres://u@h") } },
        { "cluster.database: lacks a user, a host or a database; write postgres://USER@HOST:PORT/DATABASE",
            Valid with { Database = new("postgres://h/d") } },
        { "cluster.database: ends with '?a=b'; what can stand there is ?sslmode=disable, ?sslmode=prefer, "
            + "?sslmode=require, ?sslmode=verify-ca, ?sslmode=verify-full",
            Valid with { Database = new("postgres://u@h/d?a=b") } },
        { "cluster.database_password.env: environment variable NONE was not read",
            Valid with { DatabasePassword = new() { Env = "NONE" } } },
        { "cluster.secret: names no source; give exactly one of env and file", Valid with { Secret = new() } },
        { "cluster.secret: environment variable SHORT holds fewer than 16 letters; use a longer secret",
            Valid with { Secret = new() { Env = "SHORT" } } },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_told_with_its_place(string error, ClusterConfig cluster)
    {
        var errors = Compile(cluster).Errors.Select(e => e.ToString()).ToList();
        Assert.Equal([error], errors);
        Assert.DoesNotContain("hidden", error, StringComparison.Ordinal);
    }

    private static ConfigCompilation Compile(ClusterConfig? cluster)
    {
        var config = new PenstockConfig
        {
            Models = [new() { Id = "m" }],
            Pools = [new() { Name = "p", Model = "m", Replicas = [new() { Url = new("http://a") }] }],
            Cluster = cluster,
        };
        var secrets = new Dictionary<SecretSource, SecretValue>
        {
            [new(SecretKind.Environment, "SECRET")] = SecretValue.Found(Secret),
            [new(SecretKind.Environment, "SHORT")] = SecretValue.Found("too-short"),
            [new(SecretKind.Environment, "PASSWORD")] = SecretValue.Found("hidden"),
        };
        return ConfigCompiler.Compile(config, 1, new SecretValues(secrets.ToImmutableDictionary()));
    }
}
