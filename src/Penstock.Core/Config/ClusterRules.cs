using System.Net;

namespace Penstock.Core.Config;

/// <summary>What must hold for a gateway that is one of several.</summary>
internal static class ClusterRules
{
    /// <summary>Gateways listed at most.</summary>
    public const int PeersMax = 64;

    /// <summary>Letters of the shared secret at least.</summary>
    public const int SecretLettersMin = 16;

    private static readonly string[] SslModes =
        ["?sslmode=disable", "?sslmode=prefer", "?sslmode=require", "?sslmode=verify-ca", "?sslmode=verify-full"];

    public static void Check(PenstockConfig config, SecretValues secrets, ConfigErrors errors)
    {
        if (config.Cluster is not { } cluster)
        {
            return;
        }

        if (cluster.Node is not null)
        {
            NameRules.Check("cluster.node", cluster.Node, errors);
        }

        ServerRules.CheckAddress("cluster.host", cluster.Host, errors);
        Ports(config.Server, cluster, errors);
        Advertised(cluster, errors);
        Peers(cluster, errors);
        Database(cluster, secrets, errors);
        Secret(cluster, secrets, errors);
    }

    private static void Ports(ServerConfig server, ClusterConfig cluster, ConfigErrors errors)
    {
        if (cluster.Port != 0 && (cluster.Port == server.Port || cluster.Port == server.AdminPort))
        {
            var other = cluster.Port == server.Port ? "server.port" : "server.admin_port";
            errors.Add("cluster.port", $"is {cluster.Port}, the same as {other}; choose another port");
        }
    }

    private static void Advertised(ClusterConfig cluster, ConfigErrors errors)
    {
        if (cluster.Advertise is { } url)
        {
            PoolRules.Url("cluster.advertise", url, errors);
        }
        else if (IPAddress.TryParse(cluster.Host, out var host)
            && (host.Equals(IPAddress.Any) || host.Equals(IPAddress.IPv6Any)))
        {
            errors.Add("cluster.advertise", $"is missing, and {cluster.Host} is no address that others can use; "
                + "write the URL by which they reach this gateway");
        }
    }

    private static void Peers(ClusterConfig cluster, ConfigErrors errors)
    {
        if (cluster.Peers.Length > PeersMax)
        {
            errors.Add("cluster.peers", $"has {cluster.Peers.Length} entries; a cluster has at most {PeersMax}");
        }

        for (var i = 0; i < cluster.Peers.Length; i++)
        {
            if (cluster.Peers[i] is { } peer)
            {
                PoolRules.Url($"cluster.peers[{i}]", peer, errors);
            }
        }
    }

    private static void Database(ClusterConfig cluster, SecretValues secrets, ConfigErrors errors)
    {
        if (cluster.DatabasePassword is { } password)
        {
            SecretRules.Credential("cluster.database_password", password, secrets, errors);
        }

        if (cluster.Database is not { } url)
        {
            return;
        }

        if (url.Scheme is not ("postgres" or "postgresql"))
        {
            errors.Add("cluster.database", $"has the scheme '{url.Scheme}'; write postgres://USER@HOST:PORT/DATABASE");
        }
        else if (url.UserInfo.Contains(':', StringComparison.Ordinal))
        {
            errors.Add("cluster.database", "carries a password; take it out and use database_password");
        }
        else if (url.Query.Length > 0 && !SslModes.Contains(url.Query))
        {
            errors.Add("cluster.database", $"ends with '{url.Query}'; what can stand there is "
                + string.Join(", ", SslModes));
        }
        else if (url.Host.Length == 0 || url.AbsolutePath.Trim('/').Length == 0 || url.UserInfo.Length == 0)
        {
            errors.Add("cluster.database", "lacks a user, a host or a database; write "
                + "postgres://USER@HOST:PORT/DATABASE");
        }
    }

    private static void Secret(ClusterConfig cluster, SecretValues secrets, ConfigErrors errors)
    {
        if (cluster.Secret is not { } secret)
        {
            return;
        }

        SecretRules.Credential("cluster.secret", secret, secrets, errors);
        if (SecretValues.Source(secret.Env, secret.File) is { } source
            && secrets.Find(source).Text is { Length: < SecretLettersMin })
        {
            errors.Add("cluster.secret", $"{source} holds fewer than {SecretLettersMin} letters; use a longer secret");
        }
    }
}
