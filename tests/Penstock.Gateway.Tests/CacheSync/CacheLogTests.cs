using Penstock.Core.Prefixes;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Tests.Engines.KvEvents;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>What the log says of caches: each change, and no more of them than a person can read.</summary>
public sealed class CacheLogTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly FaultLog _lines = new();
    private readonly CacheLog _log;
    private CacheTrust _trust = new();

    public CacheLogTests() => _log = new CacheLog(_lines, "p/r", _clock);

    public void Dispose() => _lines.Dispose();

    [Fact]
    public void Trust_that_is_lost_and_regained_is_told_once_each()
    {
        Compare(20, found: 0);
        Assert.Equal(TrustLevel.Untrusted, _trust.Level);
        Assert.Equal(
            [
                "Warning: replica p/r mostly finds less in its cache than was predicted; what is predicted of it is "
                + "not relied on for now",
                "Warning: predictions of what replica p/r has cached miss by -52 % on average (less than 0: it finds "
                + "less); see penstock_replica_cache_alarm",
            ],
            _lines.News);
        _clock.Advance(CacheLog.Every);
        Compare(60, found: 1_000);
        Assert.Equal(TrustLevel.Trusted, _trust.Level);
        Assert.Equal(
            [
                "Information: what is predicted of the cache of replica p/r is relied on again",
                "Information: predictions of what replica p/r has cached are good again",
            ],
            _lines.News.Skip(2).Order(StringComparer.Ordinal).Reverse());
    }

    [Fact]
    public void What_goes_to_and_fro_is_told_now_and_then()
    {
        for (var i = 0; i < 1_000; i++)
        {
            Compare(20, found: 0);
            Compare(60, found: 1_000);
            _clock.Advance(TimeSpan.FromSeconds(0.1));
        }

        // A hundred seconds: ten lines of each of two kinds, and one of each at the start.
        Assert.InRange(_lines.News.Count, 4, 22);
    }

    [Fact]
    public void A_lost_cache_is_told_by_who_saw_it()
    {
        for (var i = 0; i < 5; i++)
        {
            _log.Compared(in _trust, isLost: true);
            _log.LostSays("gw-2");
        }

        Assert.Equal(
            [
                "Warning: replica p/r lost its cache, as its answers show: it was restarted, or its cache was cleared",
                "Information: replica p/r lost its cache, as gateway gw-2 saw",
            ],
            _lines.News);
        _clock.Advance(CacheLog.Every);
        _log.Compared(in _trust, isLost: true);
        Assert.Equal(3, _lines.News.Count);
    }

    [Fact]
    public void Every_rank_says_how_its_events_stand()
    {
        var (first, second) = (_log.Of(0), _log.Of(1));
        first.Now(FeedState.Live);
        first.Now(FeedState.Gap, "because");
        first.Now(FeedState.Gap, "again");
        second.Now(FeedState.Faulty, "BadBatch");
        second.Restarted();
        Assert.Equal(
            [
                "Warning: cache events of replica p/r (rank 0) have a gap: because",
                "Warning: the publisher of cache events of replica p/r (rank 1) broke the rules (BadBatch) and was cut "
                + "off; it is tried again, ever later",
                "Information: replica p/r (rank 1) began anew with an empty cache, as its events say",
            ],
            _lines.News);
    }

    /// <summary>What was held back is told as soon as it may be, if it is still so.</summary>
    [Fact]
    public void A_state_that_lasts_is_told_even_where_it_came_too_soon()
    {
        var feed = _log.Of(0);
        feed.Now(FeedState.Connecting);
        feed.Now(FeedState.Live);
        Assert.Single(_lines.News);
        _clock.Advance(CacheLog.Every);
        feed.Now(FeedState.Live);
        feed.Now(FeedState.Live);
        Assert.Equal(
            "Information: cache events of replica p/r (rank 0) are followed without a gap",
            _lines.News.Skip(1).Single());
    }

    [Fact]
    public void One_that_was_away_is_followed_again_once_it_is_connected()
    {
        var feed = _log.Of(0);
        feed.Now(FeedState.Connecting);
        _clock.Advance(CacheLog.Every);
        feed.Connected(FeedState.Live);
        Assert.EndsWith("are followed without a gap", _lines.News.Skip(1).Single(), StringComparison.Ordinal);
    }

    /// <summary>Whatever the log holds back, it would come to be told by turns.</summary>
    [Fact]
    public async Task One_that_breaks_the_rules_each_time_is_told_once()
    {
        await using var publisher = HostilePublisher.After(FeedRig.Message(0, 0xC1));
        await using var rig = new FeedRig();
        rig.Identify(publisher);
        for (var faults = 1; faults <= 12; faults++)
        {
            await FeedRig.WhenAsync(() => rig.Status.Faults == faults);
            await rig.RetryAsync();
        }

        Assert.InRange(rig.Clock.Elapsed, 2 * CacheLog.Every, TimeSpan.MaxValue);
        Assert.Equal(
            "Warning: the publisher of cache events of replica p/r (rank 0) broke the rules (BadBatch) and was cut "
            + "off; it is tried again, ever later",
            Assert.Single(rig.Lines));
    }

    private void Compare(int answers, long found)
    {
        for (var i = 0; i < answers; i++)
        {
            _trust = _trust.After(1_000, 0, found);
            _log.Compared(in _trust, isLost: false);
        }
    }
}
