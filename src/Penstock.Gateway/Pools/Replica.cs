using Penstock.Core.Config;
using Penstock.Core.Models;
using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Http;

namespace Penstock.Gateway.Pools;

/// <summary>
/// One engine endpoint at work: its connections, what it was found to be, and what is told of its health. Thread-safe:
/// the identity is replaced whole, by the watch.
/// </summary>
internal sealed class Replica : IDisposable
{
    private EngineIdentity? _identity;

    public Replica(ReplicaSnapshot snapshot, PoolSnapshot pool, int slot)
    {
        Snapshot = snapshot;
        Slot = slot;
        Endpoint = new EngineEndpoint(snapshot.Url, pool.UpstreamKey);
        Client = new UpstreamClient(Endpoint.Url, pool.Timeouts.Connect);
    }

    public string Name => Snapshot.Name;

    public ReplicaSnapshot Snapshot { get; }

    /// <summary>Its place in the pool state.</summary>
    public int Slot { get; }

    public EngineEndpoint Endpoint { get; }

    public UpstreamClient Client { get; }

    /// <summary>What the engine was found to be; null before the first probe succeeded.</summary>
    public EngineIdentity? Identity
    {
        get => Volatile.Read(ref _identity);
        set => Volatile.Write(ref _identity, value);
    }

    /// <summary>Where evidence from requests goes.</summary>
    public Action<HealthSignal>? OnEvidence { get; set; }

    /// <summary>The dialect to speak to the engine for a client of <paramref name="client"/>: the same one where the
    /// engine knows it.</summary>
    public Dialect? DialectFor(Dialect client)
    {
        var identity = Identity;
        if (identity is null)
        {
            return null;
        }

        var messages = identity.Can(EngineCapabilities.NativeMessages);
        var chat = identity.Can(EngineCapabilities.NativeChat);
        return client == Dialect.Anthropic
            ? messages ? Dialect.Anthropic : chat ? Dialect.OpenAiChat : null
            : chat ? Dialect.OpenAiChat : messages ? Dialect.Anthropic : null;
    }

    public void Dispose() => Client.Dispose();
}
