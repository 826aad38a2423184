namespace Penstock.Core.Config;

/// <summary>What must hold for what is configured of caches and their events.</summary>
internal static class CacheRules
{
    public static void Check(PenstockConfig config, ConfigErrors errors)
    {
        var bound = new Dictionary<int, string>();
        for (var i = 0; i < config.Pools.Length; i++)
        {
            Pool($"pools[{i}]", config.Pools[i], bound, errors);
            if (config.Pools[i].PrefixKeys == KnownNames.KeysTokens
                && config.Routing.CacheScope != KnownNames.ScopeAll)
            {
                errors.Add(
                    $"pools[{i}].prefix_keys",
                    $"is {KnownNames.KeysTokens}, by which caches are known that all tenants share, but "
                    + $"routing.cache_scope is {config.Routing.CacheScope}; write {KnownNames.ScopeAll} there, or "
                    + $"{KnownNames.KeysBytes} here");
            }
        }
    }

    private static void Pool(string path, PoolConfig pool, Dictionary<int, string> bound, ConfigErrors errors)
    {
        Addresses($"{path}.kv_events", pool.KvEvents, errors);
        var replicas = pool.Replicas.IsDefault ? [] : pool.Replicas;
        for (var i = 0; i < replicas.Length; i++)
        {
            var own = replicas[i].KvEvents;
            var at = own is null ? $"{path}.kv_events" : $"{path}.replicas[{i}].kv_events";
            if (own is not null)
            {
                Addresses(at, own, errors);
            }

            Bound($"{at}.endpoint", own ?? pool.KvEvents, bound, errors);
        }
    }

    private static void Addresses(string path, KvEventsConfig events, ConfigErrors errors)
    {
        Address($"{path}.endpoint", events.Endpoint, events.Ranks ?? 1, errors);
        Address($"{path}.replay_endpoint", events.ReplayEndpoint, events.Ranks ?? 1, errors);
        Apart(path, events, errors);
    }

    /// <summary>Rank r has both ports + r, on the engine's host: what replays to one rank must not publish another.
    /// </summary>
    private static void Apart(string path, KvEventsConfig events, ConfigErrors errors)
    {
        var ranks = events.Ranks ?? 1;
        if (TcpAddress.Parse(events.Endpoint ?? "") is { IsBoundHere: false } publisher
            && TcpAddress.Parse(events.ReplayEndpoint ?? "") is { } replay
            && publisher.Host == replay.Host && Math.Abs(publisher.Port - replay.Port) < ranks)
        {
            errors.Add(
                $"{path}.replay_endpoint",
                $"has the ports {Ports(replay, ranks)}, which overlap {Ports(publisher, ranks)} of endpoint; keep them "
                + $"apart by the number of ranks, such as {replay with { Port = FreeBeside(publisher, ranks) }}");
        }
    }

    private static string Ports(TcpAddress first, long ranks) =>
        ranks == 1 ? $"{first.Port}" : $"{first.Port} to {first.Port + ranks - 1}";

    private static int FreeBeside(TcpAddress publisher, long ranks) => (int)(
        publisher.Port + (2 * ranks) - 1 <= ushort.MaxValue ? publisher.Port + ranks : publisher.Port - ranks);

    private static void Address(string path, string? written, long ranks, ConfigErrors errors)
    {
        if (written is null)
        {
            return;
        }

        if (TcpAddress.Parse(written) is not { } address)
        {
            errors.Add(path, "is no address of the form tcp://host:port; the host may be {host}, or *");
        }
        else if (address.Port + ranks - 1 > ushort.MaxValue)
        {
            errors.Add(
                path, $"has the port {address.Port}, to which {ranks} ranks add up to {address.Port + ranks - 1}");
        }
    }

    /// <summary>Which engine speaks is known by the port that it connects to.</summary>
    private static void Bound(string path, KvEventsConfig events, Dictionary<int, string> bound, ConfigErrors errors)
    {
        if (events.Enabled == false || events.Endpoint is null
            || TcpAddress.Parse(events.Endpoint) is not { IsBoundHere: true } address)
        {
            return;
        }

        for (var port = address.Port; port < address.Port + (events.Ranks ?? 1); port++)
        {
            if (!bound.TryAdd(port, path))
            {
                errors.Add(path, bound[port] == path
                    ? $"binds port {port} for several replicas; give each a port of its own in its kv_events"
                    : $"binds port {port}, as {bound[port]} does");
                return;
            }
        }
    }
}
