using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.Prefixes;
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

/// <summary>What a replica is found to be changes what is listened to: once each time, never after its end.</summary>
public sealed class FeedChangeTests : IAsyncDisposable
{
    /// <summary>Ranks that nobody publishes for.</summary>
    private static readonly string[] s_nobody = [.. Enumerable.Repeat("tcp://127.0.0.1:1", 100)];

    private readonly ManualClock _clock = new();
    private readonly EngineClient _probes;
    private readonly ReplicaWatch _watch;

    public FeedChangeTests()
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

    /// <summary>The watch tells it under its lock, a reload without: both at once must not listen twice. What was
    /// listened to before differs in its last rank alone, so that both look for long enough to meet.</summary>
    [Fact]
    public async Task Two_that_say_at_once_what_the_engine_is_have_it_listened_to_once()
    {
        for (var round = 0; round < 20; round++)
        {
            await using var publisher = new Counted();
            var feed = Feed();
            feed.Identified(Engine([.. s_nobody, "tcp://127.0.0.1:2"]), default);
            using var together = new Barrier(2);
            var both = Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    together.SignalAndWait(Wires.Guard);
                    feed.Identified(Engine([.. s_nobody, $"tcp://127.0.0.1:{publisher.Port}"]), default);
                },
                TaskCreationOptions.LongRunning));
            await Task.WhenAll(both);
            await WhenAsync(() => feed.Status().Batches > 0);
            await feed.DisposeAsync();
            Assert.Equal(1, await publisher.CountAsync());
        }
    }

    [Fact]
    public async Task Nothing_is_listened_to_after_the_end()
    {
        await using var publisher = new Counted();
        var feed = Feed();
        await feed.DisposeAsync();
        feed.Identified(Engine(publisher.Port), default);

        // What would have been started is ended by this, and had its chance before.
        await feed.DisposeAsync();
        Assert.Equal(FeedState.None, feed.Status().State);
        Assert.Equal(0, await publisher.CountAsync());
    }

    [Fact]
    public async Task Counts_go_on_where_another_publisher_is_listened_to()
    {
        await using var first = new Counted();
        await using var second = new Counted();
        await using var feed = Feed();
        feed.Identified(Engine(first.Port), default);
        await WhenAsync(() => feed.Status().Batches == 1);
        feed.Identified(Engine(second.Port), default);
        await WhenAsync(() =>
        {
            var batches = feed.Status().Batches;
            Assert.InRange(batches, 1, 2);
            return batches == 2;
        });
    }

    [Theory]
    [InlineData(-2.5, true)]
    [InlineData(-1.5, false)]
    [InlineData(1.5, false)]
    [InlineData(2.5, true)]
    public async Task An_engine_whose_clock_is_off_is_shown_as_late(double seconds, bool isLate)
    {
        await using var rig = new FeedRig();
        var time = (rig.Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds + seconds;
        await using var publisher = HostilePublisher.After(FeedRig.Message(0, FeedRig.Batch(1, time: time)));
        rig.Identify(publisher);
        await WhenAsync(() => rig.Status.Batches == 1);
        Assert.Equal(isLate, rig.Status.IsLate);
    }

    /// <summary>Four times what it holds is kept of an engine, so that twice as much needs no more room.</summary>
    [Fact]
    public async Task An_engine_that_has_a_much_larger_cache_now_is_listened_to_anew()
    {
        var connections = 0;
        await using var publisher = new HostilePublisher(async (socket, stop) =>
        {
            connections++;
            var bytes = HostilePublisher.Greeted(FeedRig.Message(0, FeedRig.Batch(1)));
            await socket.SendAsync(bytes, SocketFlags.None, stop);
        });
        await using var rig = new FeedRig();
        rig.Identify(publisher, shape: Cache(20_000));
        await WhenAsync(() => rig.Status.Batches == 1);
        rig.Identify(publisher, shape: Cache(40_000));
        rig.Identify(publisher, shape: Cache(100_000));
        await WhenAsync(() => rig.Status.Batches == 2);
        Assert.Equal(2, connections);

        static CacheShape Cache(int blocks) => new() { BlockTokens = 16, CapacityTokens = 16 * blocks };
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

    private static EngineIdentity Engine(int port) => Engine([$"tcp://127.0.0.1:{port}"]);

    private static EngineIdentity Engine(ImmutableArray<string> endpoints) => new()
    {
        Adapter = EngineRegistry.All.First(a => a.Name == "sglang"),
        KvEvents = new KvEventSource { Channel = KvEventChannel.Zmq, Endpoints = endpoints },
    };

    private CacheFeed Feed() => new(
        new ReplicaSnapshot("r", new Uri("http://127.0.0.1:1")), new TokenScope(1, 2), _watch, _clock,
        new CacheLog(NullLogger.Instance, "p/r", _clock));

    /// <summary>A publisher of one batch, and how often it was connected to.</summary>
    private sealed class Counted : IAsyncDisposable
    {
        private readonly TcpListener _door = new(IPAddress.Loopback, 0);
        private readonly List<Socket> _sockets = [];
        private readonly byte[] _bytes;
        private readonly Task _loop;

        public Counted()
        {
            var payload = new ArrayBufferWriter<byte>();
            var writer = new KvBatchWriter(payload, KvDialect.VllmMaps, KvHashForm.Unsigned);
            writer.Begin(1, 0, null);
            writer.End(null);
            var message = new ArrayBufferWriter<byte>();
            KvMessage.Write(message, default, 0, payload.WrittenSpan);
            _bytes = HostilePublisher.Greeted(message.WrittenSpan);
            _door.Start();
            Port = ((IPEndPoint)_door.LocalEndpoint).Port;
            _loop = AcceptAsync();
        }

        public int Port { get; }

        /// <summary>Connections so far: one made now comes after all that were made before.</summary>
        public async Task<int> CountAsync()
        {
            using var last = new TcpClient();
            await last.ConnectAsync(IPAddress.Loopback, Port, Wires.Guard);
            await last.GetStream().ReadExactlyAsync(new byte[1], Wires.Guard);
            lock (_sockets)
            {
                return _sockets.Count - 1;
            }
        }

        public async ValueTask DisposeAsync()
        {
            _door.Dispose();
            await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _sockets.ForEach(s => s.Dispose());
        }

        private async Task AcceptAsync()
        {
            while (true)
            {
                var socket = await _door.AcceptSocketAsync();
                lock (_sockets)
                {
                    _sockets.Add(socket);
                }

                socket.Send(_bytes);
            }
        }
    }
}
