using System.Buffers;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Config;
using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Core.Routing;
using Penstock.Engines;
using Penstock.Engines.KvEvents;
using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Pools;
using Penstock.Tests.Shared;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>What a pool that is keyed by bytes makes of an engine's events.</summary>
public sealed class CacheViewTests : IAsyncDisposable
{
    private const int Blocks = 64;

    private readonly ManualClock _clock = new();
    private readonly EngineClient _probes;
    private readonly Replica _replica;
    private readonly Pool _pool;
    private readonly CacheView _view;
    private readonly List<Exception> _told = [];
    private readonly FeedBugs _bugs;

    public CacheViewTests()
    {
        _probes = new EngineClient(_clock);
        var replica = new ReplicaSnapshot("r0", new Uri("http://127.0.0.1:1"));
        var snapshot = new PoolSnapshot { Name = "p", Model = "m", Replicas = [replica] };
        _replica = new Replica(replica, snapshot, _probes, 1, _clock, NullLogger.Instance);
        _pool = new Pool(
            snapshot, RoutePolicies.Create("round-robin")!, [_replica],
            new PoolSettings(_clock, 1, 1 << 16, PoolOutlets.None));
        _pool.Tell(PoolEvent.Eligibility(_pool.Now, 0, Ineligible.No));
        _bugs = new FeedBugs(_told.Add);
        _view = new CacheView(1, 2, _clock, _bugs);
        _view.Sit(_pool, 0);
    }

    public async ValueTask DisposeAsync()
    {
        _view.Dispose();
        await _replica.DisposeAsync();
        _probes.Dispose();
    }

    [Fact]
    public void The_volume_takes_nothing_away_that_may_not_have_been_told_of()
    {
        Serve();
        var remembered = _pool.Look()[0].Mirror.Blocks;
        Assert.True(remembered >= Blocks);
        Store(1);
        _clock.Advance(CacheView.VolumeEvery);
        Assert.Equal(remembered, _pool.Look()[0].Mirror.Blocks);
    }

    [Fact]
    public void What_was_used_long_ago_is_held_to_the_volume()
    {
        Serve();
        _clock.Advance(TimeSpan.FromMinutes(5));
        Store(1);
        Assert.True(_pool.Look()[0].Mirror.Blocks >= Blocks);
        _clock.Advance(CacheView.VolumeEvery);
        Assert.InRange(_pool.Look()[0].Mirror.Blocks, 0, 4);
    }

    [Fact]
    public void A_volume_of_which_a_part_is_not_known_is_not_told()
    {
        Serve();
        _clock.Advance(TimeSpan.FromMinutes(5));
        _view.Doubt(0);
        Store(1);
        _clock.Advance(CacheView.VolumeEvery);
        Assert.True(_pool.Look()[0].Mirror.Blocks >= Blocks);
        Assert.Null(_view.ResidentTokens);
    }

    [Fact]
    public void An_engine_that_began_anew_holds_nothing()
    {
        Serve();
        _view.Lost(0);
        Assert.Equal(0, _pool.Look()[0].Mirror.Blocks);
        Assert.Equal(0, _view.ResidentTokens);
    }

    /// <summary>Its cache was said to be small, so that 65,536 of its blocks are kept.</summary>
    [Fact]
    public async Task The_feed_of_an_engine_with_more_blocks_than_are_kept_has_a_gap_until_it_begins_anew()
    {
        _view.Restart(new CacheShape { BlockTokens = 16, CapacityTokens = 16 }, isKeyless: false);
        using var load = new LoadView(_clock, _bugs);
        var nowhere = new KvEndpoint(new DnsEndPoint("127.0.0.1", 1), IsBoundHere: false);
        await using var feed = new RankFeed(
            new KvSubscriptionSettings { Endpoint = nowhere }, _view, load, _bugs, _clock,
            new CacheLog(NullLogger.Instance, "p/r", _clock));
        var source = new KvSource("", 0);
        for (ulong first = 1; first < 64_000; first += 8_000)
        {
            Tell(feed, source, first, 8_000);
        }

        Assert.Equal((FeedState.Live, 64_000 * 16), (feed.State, _view.ResidentTokens));
        Tell(feed, source, 100_000, 8_000);
        Assert.Equal((FeedState.Gap, null), (feed.State, _view.ResidentTokens));

        ((IKvEventListener)feed).Forget(source, KvForgetReason.Restarted);
        Tell(feed, source, 1, 5);
        Assert.Equal((FeedState.Live, 5 * 16), (feed.State, _view.ResidentTokens));
    }

    [Fact]
    public void Silence_has_no_timer()
    {
        _clock.Advance(CacheView.VolumeEvery);
        var idle = _clock.PendingTimers;
        Store(1);
        Assert.Equal(idle + 1, _clock.PendingTimers);
        _clock.Advance(CacheView.VolumeEvery);
        Assert.Equal(idle, _clock.PendingTimers);
    }

    /// <summary>A timer has nobody above it: what it throws ends the process.</summary>
    [Fact]
    public void A_bug_on_the_timer_is_told_and_the_next_volume_too()
    {
        Serve();
        _clock.Advance(TimeSpan.FromMinutes(5));
        _view.Sit(_pool, slot: 99);
        Store(1);
        _clock.Advance(CacheView.VolumeEvery);
        Assert.Equal((1, 1), (_bugs.Count, _told.Count));
        Assert.True(_pool.Look()[0].Mirror.Blocks >= Blocks);
        _view.Sit(_pool, slot: 0);
        Store(2);
        _clock.Advance(CacheView.VolumeEvery);
        Assert.InRange(_pool.Look()[0].Mirror.Blocks, 0, 4);
        Assert.Equal(1, _bugs.Count);
    }

    [Fact]
    public void A_rank_that_tells_its_load_no_more_has_none()
    {
        using var load = new LoadView(_clock, _bugs);
        load.Sit(_pool, 0);
        load.Told(0, new KvLoad(3, 1, 0, 0, 0));
        load.Told(2, new KvLoad(4, 2, 0, 0, 2));
        _clock.Advance(CacheView.VolumeEvery);
        Assert.Equal((7, 3), (Reported.Running, Reported.Waiting));
        _clock.Advance(LoadView.SilenceMax);
        load.Told(0, new KvLoad(5, 0, 0, 0, 0));
        _clock.Advance(CacheView.VolumeEvery);
        Assert.Equal((5, 0), (Reported.Running, Reported.Waiting));
    }

    [Fact]
    public void A_bug_where_the_load_is_told_is_told_and_the_next_load_too()
    {
        using var load = new LoadView(_clock, _bugs);
        load.Sit(_pool, slot: 99);
        load.Told(0, new KvLoad(3, 1, 0, 0, 0));
        _clock.Advance(CacheView.VolumeEvery);
        Assert.Equal(1, _bugs.Count);
        load.Sit(_pool, 0);
        load.Told(0, new KvLoad(4, 1, 0, 0, 0));
        _clock.Advance(CacheView.VolumeEvery);
        Assert.Equal(4, Reported.Running);
    }

    [Theory]
    [InlineData(4_294_967_295L, int.MaxValue)]
    [InlineData(-1L, 0)]
    [InlineData(7L, 7)]
    public void A_load_beyond_all_reason_is_taken_for_the_most_there_can_be(long told, int expected)
    {
        _replica.Take(_pool, 0);
        ((IReplicaListener)_replica).LoadRead(new LoadReport { Running = told, Waiting = told }, _pool.Now);
        Assert.Equal((expected, expected), (Reported.Running, Reported.Waiting));
    }

    /// <summary>A batch of blocks whose names are numbers in a row.</summary>
    private static void Tell(IKvEventListener feed, KvSource source, ulong first, int count)
    {
        var names = Enumerable.Range(0, count).Select(i => first + (ulong)i).ToArray();
        var bytes = new ArrayBufferWriter<byte>();
        var writer = new KvBatchWriter(bytes, KvDialect.VllmMaps, KvHashForm.Unsigned);
        writer.Begin(1, 1, null);
        writer.Write(new KvEvent { Hashes = names, BlockTokens = 16 });
        writer.End(null);
        Assert.Equal(
            KvBatchStatus.Ok,
            KvBatchReader.Open(bytes.WrittenSpan, new KvEventBuffers(), KvEventLimits.Default, out var batch));
        feed.Batch(source, ref batch);
    }

    private EngineLoad Reported => _pool.Look()[0].Load.Reported;

    private void Serve()
    {
        var chain = Enumerable.Range(1, Blocks).Select(i => (ulong)i * 0x9E3779B97F4A7C15UL).ToArray();
        var prompt = new PromptPrefix { Blocks = chain, Length = Blocks * PrefixChainBuilder.BlockBytes };
        _pool.Route(new RouteRequest { At = _pool.Now, Prompt = prompt }, out var ticket, out _);
        _pool.End(ticket, RouteEnd.Completed, new CacheReport(true, Blocks * 64, 0, 10), in prompt);
    }

    private void Store(ulong name) => _view.Take(0, new KvEvent
    {
        Kind = KvEventKind.Stored,
        Hashes = new[] { name },
        BlockTokens = 16,
    });
}
