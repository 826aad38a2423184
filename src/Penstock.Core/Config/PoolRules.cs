namespace Penstock.Core.Config;

/// <summary>What must hold for pools and their replicas.</summary>
internal static class PoolRules
{
    /// <summary>Replicas of one pool at most; the routing pass is linear in them.</summary>
    public const int ReplicasMax = 4_096;

    public static void Check(PenstockConfig config, ModelRules models, SecretValues secrets, ConfigErrors errors)
    {
        if (config.Pools.IsEmpty)
        {
            errors.Add("pools", "is empty; name at least one pool of replicas");
        }

        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < config.Pools.Length; i++)
        {
            var path = $"pools[{i}]";
            var pool = config.Pools[i];
            NameRules.Unique($"{path}.name", pool.Name, names, errors);
            NameRules.Check($"{path}.provider", pool.Provider, errors);
            NameRules.Check($"{path}.region", pool.Region, errors);
            NameRules.Check($"{path}.accelerator", pool.Accelerator, errors);
            models.Reference($"{path}.model", pool.Model);
            OptionalName($"{path}.upstream_model", pool.UpstreamModel, errors);
            Replicas(path, pool, errors);
            if (pool.Credential is { } credential)
            {
                SecretRules.Credential($"{path}.credential", credential, secrets, errors);
            }
        }
    }

    private static void Replicas(string poolPath, PoolConfig pool, ConfigErrors errors)
    {
        var listPath = $"{poolPath}.replicas";
        if (pool.Replicas.IsDefaultOrEmpty)
        {
            errors.Add(listPath, "is empty; name at least one engine endpoint, such as http://127.0.0.1:8000");
            return;
        }

        if (pool.Replicas.Length > ReplicasMax)
        {
            errors.Add(listPath, $"has {pool.Replicas.Length} entries; a pool has at most {ReplicasMax}, make several");
        }

        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < pool.Replicas.Length; i++)
        {
            Replica($"{listPath}[{i}]", pool.Replicas[i], taken, errors);
        }
    }

    private static void Replica(
        string path, ReplicaConfig replica, Dictionary<string, string> taken, ConfigErrors errors)
    {
        OptionalName($"{path}.accelerator", replica.Accelerator, errors);
        if (replica.Url is not { } url)
        {
            return;
        }

        if (replica.Name is not null)
        {
            NameRules.Unique($"{path}.name", replica.Name, taken, errors);
        }
        else
        {
            NameRules.Unique($"{path}.url", NameOf(replica), taken, errors);
        }

        Url($"{path}.url", url, errors);
    }

    /// <summary>The replica's name: as written, else where it listens.</summary>
    public static string NameOf(ReplicaConfig replica) =>
        replica.Name ?? replica.Url.Authority + replica.Url.AbsolutePath.TrimEnd('/');

    /// <summary>Says so where requests cannot be sent to <paramref name="url"/>.</summary>
    public static void Url(string path, Uri url, ConfigErrors errors)
    {
        if (url.Scheme is not ("http" or "https"))
        {
            errors.Add(path, $"has the scheme '{url.Scheme}'; write http:// or https://");
        }
        else if (url.UserInfo.Length > 0)
        {
            errors.Add(path, "carries a user or password; take it out and use credential");
        }
        else if (url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            errors.Add(path, "carries a query or a fragment; write scheme, host, port and path only");
        }
    }

    private static void OptionalName(string path, string? name, ConfigErrors errors)
    {
        if (name is not null)
        {
            NameRules.Check(path, name, errors);
        }
    }
}
