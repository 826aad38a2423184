using System.Collections.Frozen;
using System.Collections.Immutable;
using Penstock.Core.Routing;

namespace Penstock.Core.Config;

/// <summary>
/// Turns the document into the snapshot that requests use, or says everything that is wrong. Pure: secrets are read
/// before and passed in. What a <see cref="SettingAttribute"/> says of a single setting (bounds, words) is checked
/// before, wherever the document comes from.
/// </summary>
public static class ConfigCompiler
{
    /// <summary>All that is wrong with <paramref name="config"/>, added to <paramref name="errors"/>.</summary>
    public static void Validate(PenstockConfig config, SecretValues secrets, ConfigErrors errors)
    {
        ServerRules.Check(config, errors);
        var models = new ModelRules(config, errors);
        models.Check(config);
        PoolRules.Check(config, models, secrets, errors);
        KeyRules.Check(config, models, secrets, errors);
        PriceRules.Check(config, models, errors);
        CacheRules.Check(config, errors);
        ClusterRules.Check(config, secrets, errors);
    }

    /// <summary>The snapshot with the given version, or every error.</summary>
    public static ConfigCompilation Compile(PenstockConfig config, long version, SecretValues secrets)
    {
        var errors = new ConfigErrors();
        Validate(config, secrets, errors);
        return errors.Count > 0
            ? new(null, errors.ToImmutable())
            : new(Build(config, version, secrets), []);
    }

    private static FleetSnapshot Build(PenstockConfig config, long version, SecretValues secrets)
    {
        var idOf = IdsOf(config);
        ImmutableArray<PoolSnapshot> pools = [.. config.Pools.Select(p => Pool(p, idOf, config, secrets))];
        ImmutableArray<ModelSnapshot> models = [.. config.Models.Select(m => Model(m, pools))];
        var byName = models
            .SelectMany(static m => m.Aliases.Prepend(m.Id).Select(name => (Name: name, Model: m)))
            .ToFrozenDictionary(static m => m.Name, static m => m.Model, StringComparer.Ordinal);
        return new FleetSnapshot
        {
            Version = version,
            Models = byName,
            ModelList = models,
            DefaultModel = config.DefaultModel is { } name && !config.StrictModels ? byName[name] : null,
            Pools = pools,
            Keys = config.Keys.ToFrozenDictionary(
                k => KeyRules.HashOf(k.Secret, secrets)!.Value, k => Key(k, idOf)),
            Prices = PriceMapping.ToTable(config, idOf),
            Routing = new()
            {
                Policy = config.Routing.Policy,
                RetryBudget = config.Routing.RetryBudget,
                AttemptsMax = config.Routing.AttemptsMax,
                PrefixBlocksMax = config.Routing.PrefixBlocksMax,
                CacheScope = config.Routing.CacheScope,
            },
            Limits = new()
            {
                BodyBytesMax = config.Limits.BodyMax.Bytes,
                JsonDepthMax = config.Limits.JsonDepthMax,
                InFlightMax = config.Limits.InFlightMax,
                PingAfter = config.Limits.PingAfter,
            },
            Cluster = config.Cluster is { } cluster ? Cluster(cluster, secrets) : null,
        };
    }

    private static Func<string, string> IdsOf(PenstockConfig config)
    {
        var ids = config.Models
            .SelectMany(static m => m.Aliases.Prepend(m.Id).Select(name => (Name: name, m.Id)))
            .ToFrozenDictionary(static m => m.Name, static m => m.Id, StringComparer.Ordinal);
        return name => ids[name];
    }

    private static ModelSnapshot Model(ModelConfig model, ImmutableArray<PoolSnapshot> allPools)
    {
        ImmutableArray<PoolSnapshot> pools = [.. allPools.Where(p => p.Model == model.Id)];
        return new()
        {
            Id = model.Id,
            DisplayName = model.DisplayName ?? model.Id,
            CreatedAt = model.Created ?? DateTimeOffset.UnixEpoch,
            Aliases = model.Aliases,
            ContextWindow = model.ContextWindow,
            MaxOutputTokens = model.MaxOutputTokens,
            Pools = pools,
            Simulated = pools.All(static p => p.Simulated),
        };
    }

    private static PoolSnapshot Pool(
        PoolConfig pool, Func<string, string> idOf, PenstockConfig config, SecretValues secrets) =>
        new()
        {
            Name = pool.Name,
            Model = idOf(pool.Model),
            Provider = pool.Provider,
            Region = pool.Region,
            Accelerator = pool.Accelerator,
            Engine = pool.Engine,
            UpstreamModel = pool.UpstreamModel,
            UpstreamKey = TextOf(pool.Credential, secrets),
            Replicas = [.. pool.Replicas.Select(r => Replica(r, pool, isAlone: config.Cluster is null))],
            Timeouts = new()
            {
                Connect = pool.Timeouts.Connect,
                FirstByte = pool.Timeouts.FirstByte,
                BetweenBytes = pool.Timeouts.BetweenBytes,
                NonStreaming = pool.Timeouts.NonStreaming,
            },
            Policy = pool.Policy ?? config.Routing.Policy,
            KeysAreTokens = pool.PrefixKeys == KnownNames.KeysTokens,
            Cache = new()
            {
                CapacityTokens = pool.Cache.CapacityTokens,
                BlockTokens = (int?)pool.Cache.BlockTokens,
                HostTokens = pool.Cache.HostTokens,
                DiskTokens = pool.Cache.DiskTokens,
                Restoring = new(
                    pool.Cache.HostRestoreCost, pool.Cache.DiskRestoreCost, pool.Cache.SharedRestoreCost),
            },
            Slo = SloOf(pool.Slo, config.Models.First(m => m.Id == idOf(pool.Model)).Slo),
            Simulated = pool.Simulated,
        };

    private static Slo SloOf(SloConfig pool, SloConfig model) => new(
        (pool.FirstToken ?? model.FirstToken)?.TotalSeconds ?? 0,
        (pool.PerToken ?? model.PerToken)?.TotalSeconds ?? 0);

    private static ReplicaSnapshot Replica(ReplicaConfig replica, PoolConfig pool, bool isAlone)
    {
        var events = replica.KvEvents ?? pool.KvEvents;
        return new(PoolRules.NameOf(replica), replica.Url)
        {
            Accelerator = replica.Accelerator,
            KvEvents = new()
            {
                Enabled = events.Enabled ?? true,
                Drains = events.Enabled ?? isAlone,
                Endpoint = events.Endpoint is { } endpoint ? TcpAddress.Parse(endpoint) : null,
                Replay = events.ReplayEndpoint is { } replay ? TcpAddress.Parse(replay) : null,
                Topic = events.Topic,
                Ranks = (int?)events.Ranks,
            },
        };
    }

    private static ClusterSnapshot Cluster(ClusterConfig cluster, SecretValues secrets) =>
        new()
        {
            Node = cluster.Node,
            Host = cluster.Host,
            Port = cluster.Port,
            Advertise = cluster.Advertise,
            Peers = cluster.Peers,
            Database = cluster.Database,
            DatabasePassword = TextOf(cluster.DatabasePassword, secrets),
            Secret = TextOf(cluster.Secret, secrets)!,
        };

    private static string? TextOf(CredentialConfig? credential, SecretValues secrets) =>
        SecretValues.Source(credential?.Env, credential?.File) is { } source ? secrets.Find(source).Text : null;

    private static KeySnapshot Key(KeyConfig key, Func<string, string> idOf) =>
        new()
        {
            Id = key.Id,
            Org = key.Org,
            Workspace = key.Workspace,
            Models = [.. key.Models.Select(idOf).Distinct(StringComparer.Ordinal)],
            Admin = key.Admin,
        };
}

/// <summary>What compiling gave: a snapshot, or the errors that stand in its way.</summary>
public sealed record ConfigCompilation(FleetSnapshot? Snapshot, ImmutableArray<ConfigError> Errors);
