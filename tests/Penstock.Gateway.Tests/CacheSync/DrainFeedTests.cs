using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Replicas;
using Penstock.Engines;
using Penstock.Engines.EventPolls;
using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Tests.Engines;
using Penstock.Tests.Shared;
using Penstock.Wire.TensorRt;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>Events that are fetched, of a model with two attention windows.</summary>
public sealed class DrainFeedTests : IAsyncDisposable
{
    private const long Small = 512;
    private const long Large = 4_096;

    private readonly ManualClock _clock = new();
    private readonly EngineClient _probes;
    private readonly ReplicaWatch _watch;
    private readonly CacheView _view;
    private readonly DrainFeed _feed;

    public DrainFeedTests()
    {
        _probes = Wires.Client(_clock);
        var endpoint = new EngineEndpoint(new Uri("http://127.0.0.1:1"));
        _watch = new ReplicaWatch(
            new WatchedReplica("r", endpoint, "auto", HealthThresholds.Default), _probes, new RecordingListener(),
            _clock);
        _view = new CacheView(1, 2, _clock, new FeedBugs(static _ => { }));
        _feed = new DrainFeed(_watch, _view, _clock, new CacheLog(NullLogger.Instance, "p/r", _clock));
    }

    private IKvEventSink Sink => _feed;

    public async ValueTask DisposeAsync()
    {
        await _feed.DisposeAsync();
        _view.Dispose();
        await _watch.DisposeAsync();
        _probes.Dispose();
    }

    [Fact]
    public void Blocks_of_a_smaller_window_are_left_out_though_they_come_first()
    {
        Sink.Reset(0, KvResetReason.Began);
        Sink.Sized(0, Small, [100]);
        Sink.Sized(0, Large, [100]);
        Store(Small, 11);
        Store(Large, 21);
        Assert.Equal(2, _view.ResidentTokens);
        Sink.Removed(0, Small, [11]);
        Assert.Equal(2, _view.ResidentTokens);
        Sink.Removed(0, Large, [21]);
        Assert.Equal(0, _view.ResidentTokens);
    }

    [Fact]
    public void An_engine_that_began_anew_may_have_smaller_windows()
    {
        Sink.Reset(0, KvResetReason.Began);
        Sink.Sized(0, Large, [100]);
        Store(Large, 21);
        Sink.Reset(0, KvResetReason.Restarted);
        Sink.Sized(0, Small, [100]);
        Store(Small, 11);
        Assert.Equal(2, _view.ResidentTokens);
    }

    private void Store(long window, ulong name) => Sink.Stored(new StoredBlocks
    {
        Rank = 0,
        Window = window,
        Parent = null,
        Blocks = [new TrtllmBlock(name, 0, 2, 0, IsPrivate: false)],
        Tokens = [7, 8],
    });
}
