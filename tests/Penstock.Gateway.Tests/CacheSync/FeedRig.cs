using System.Buffers;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Replicas;
using Penstock.Core.Routing;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Tests.Engines;
using Penstock.Gateway.Tests.Engines.KvEvents;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>The feed of one replica without the rest of a gateway, and publishers that send it what a test wants.
/// </summary>
internal sealed class FeedRig : IAsyncDisposable
{
    private readonly EngineClient _probes;
    private readonly ReplicaWatch _watch;
    private readonly FaultLog _log = new();
    private Replica? _replica;

    public FeedRig()
    {
        _probes = Wires.Client(Clock);
        var endpoint = new EngineEndpoint(new Uri("http://127.0.0.1:1"));
        _watch = new ReplicaWatch(
            new WatchedReplica("r", endpoint, "auto", HealthThresholds.Default), _probes, new RecordingListener(),
            Clock);
        Feed = new CacheFeed(
            new ReplicaSnapshot("r", new Uri("http://127.0.0.1:1")), new TokenScope(1, 2), _watch, Clock,
            new CacheLog(_log, "p/r", Clock));
    }

    public ManualClock Clock { get; } = new();

    public CacheFeed Feed { get; }

    /// <summary>What the log said of the replica's cache.</summary>
    public IReadOnlyCollection<string> Lines => _log.News;

    public FeedStatus Status => Feed.Status();

    public async ValueTask DisposeAsync()
    {
        await Feed.DisposeAsync();
        await (_replica?.DisposeAsync() ?? default);
        await _watch.DisposeAsync();
        _probes.Dispose();
        _log.Dispose();
    }

    /// <summary>The engine has these publishers, and a cache like this.</summary>
    public void Identify(
        HostilePublisher? events, HostilePublisher? loads = null, CacheShape shape = default, int slots = 0) =>
        Feed.Identified(
            new EngineIdentity
            {
                Adapter = EngineRegistry.All.First(a => a.Name == "sglang"),
                KvEvents = new KvEventSource
                {
                    Channel = KvEventChannel.Zmq, Endpoints = AddressOf(events), LoadEndpoints = AddressOf(loads),
                },
                Cache = shape,
                Slots = slots,
            },
            in shape);

    /// <summary>A pool that learns what the feed has to tell, as of its only replica.</summary>
    public Pool Sit()
    {
        var replica = new ReplicaSnapshot("r", new Uri("http://127.0.0.1:1"));
        var snapshot = new PoolSnapshot { Name = "p", Model = "m", Replicas = [replica] };
        _replica = new Replica(replica, snapshot, _probes, 1, Clock, NullLogger.Instance);
        var pool = new Pool(
            snapshot, RoutePolicies.Create("round-robin")!, [_replica],
            new PoolSettings(Clock, 1, 1 << 16, PoolOutlets.None));
        Feed.Sit(pool, 0);
        return pool;
    }

    public static async Task WhenAsync(Func<bool> holds)
    {
        var guard = Wires.Guard;
        while (!holds())
        {
            guard.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Moves the clock to where a publisher that was cut off, as its faults say, is connected to again. No
    /// further: it has so much time to shake hands.</summary>
    public Task RetryAsync() => Clock.AdvanceToNextTimerAsync(Wires.Guard);

    public static byte[] Message(ulong number, params byte[] payload)
    {
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, default, number, payload);
        return message.WrittenSpan.ToArray();
    }

    /// <summary>One block of two tokens is stored.</summary>
    public static byte[] Batch(ulong hash, int rank = 0, double time = 1)
    {
        var payload = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
        writer.Begin(time, 1, rank);
        writer.Write(new KvEvent { Hashes = [hash], Tokens = [7, 8], BlockTokens = 2 });
        writer.End(rank);
        return payload.WrittenSpan.ToArray();
    }

    private static ImmutableArray<string> AddressOf(HostilePublisher? publisher) =>
        publisher is null ? [] : [$"tcp://127.0.0.1:{publisher.Address.Port}"];
}
