using System.Buffers;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.KvSync;
using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Tests.Engines;
using Penstock.Gateway.Tests.Engines.KvEvents;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>A replica for each rank: it has one endpoint, and its batches name a rank that is not 0.</summary>
public sealed class NamedRankTests : IAsyncDisposable
{
    private const int Rank = 3;

    private static readonly byte[] s_noBatch = [0xC1];

    private readonly ManualClock _clock = new();
    private readonly EngineClient _probes;
    private readonly ReplicaWatch _watch;

    public NamedRankTests()
    {
        _probes = Wires.Client(_clock);
        var endpoint = new EngineEndpoint(new Uri("http://127.0.0.1:1"));
        _watch = new ReplicaWatch(
            new WatchedReplica("r", endpoint, "auto", HealthThresholds.Default), _probes, new RecordingListener(),
            _clock);
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        _probes.Dispose();
    }

    [Fact]
    public async Task What_was_missed_of_it_before_it_was_listened_to_is_over_once_it_began_anew()
    {
        await using var publisher = HostilePublisher.After([.. Message(7, Batch(8)), .. Message(0, Batch(1))]);
        await using var feed = Feed(publisher);
        await WhenAsync(() => feed.Status().Batches == 2);
        Assert.Equal((FeedState.Live, 2L), (feed.Status().State, feed.Status().ResidentTokens));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task A_first_batch_that_cannot_be_read_leaves_nothing_in_doubt(ulong number)
    {
        var connections = 0;
        await using var publisher = new HostilePublisher(async (socket, stop) =>
        {
            var message = ++connections == 1 ? Message(number, s_noBatch) : Message(0, Batch(1));
            await socket.SendAsync(HostilePublisher.Greeted(message), SocketFlags.None, stop);
        });
        await using var feed = Feed(publisher);
        await WhenAsync(() => feed.Status().Faults == 1);
        await _clock.WhenTimerIsDueWithinAsync(TimeSpan.FromMilliseconds(250), Wires.Guard);
        _clock.Advance(TimeSpan.FromMilliseconds(250));
        await WhenAsync(() => feed.Status().Batches == 1);
        Assert.Equal((FeedState.Live, 2L), (feed.Status().State, feed.Status().ResidentTokens));
    }

    private static async Task WhenAsync(Func<bool> holds)
    {
        var guard = Wires.Guard;
        while (!holds())
        {
            guard.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static byte[] Message(ulong number, byte[] payload)
    {
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, default, number, payload);
        return message.WrittenSpan.ToArray();
    }

    private static byte[] Batch(ulong hash)
    {
        var payload = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
        writer.Begin(1, 1, Rank);
        writer.Write(new KvEvent { Hashes = [hash], Tokens = [7, 8], BlockTokens = 2 });
        writer.End(Rank);
        return payload.WrittenSpan.ToArray();
    }

    private CacheFeed Feed(HostilePublisher publisher)
    {
        var feed = new CacheFeed(
            new ReplicaSnapshot("r", new Uri("http://127.0.0.1:1")), new TokenScope(1, 2), _watch, _clock,
            new CacheLog(NullLogger.Instance, "p/r", _clock));
        feed.Identified(
            new EngineIdentity
            {
                Adapter = EngineRegistry.All.First(a => a.Name == "sglang"),
                KvEvents = new KvEventSource
                {
                    Channel = KvEventChannel.Zmq, Endpoints = [$"tcp://127.0.0.1:{publisher.Address.Port}"],
                },
            },
            default);
        return feed;
    }
}
