using Penstock.Core.Prefixes;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

/// <summary>A restart of an engine, as the pool sees it that hears of it by nothing but the answers.</summary>
public class CacheRestartTests
{
    private const int Blocks = 10;
    private const int Bytes = Blocks * PrefixChainBuilder.BlockBytes;
    private const long Tokens = Blocks * 64;

    private readonly PoolRig _rig = new("round-robin", 1);
    private double _now;

    public CacheRestartTests() => _rig.Tell(PoolEvent.CacheShaped(
        default, 0, new CacheShape { Kind = CacheKind.Paged, BlockTokens = 1, CapacityTokens = 100_000 }));

    [Fact]
    public void What_is_sent_after_a_restart_stays_in_the_mirror_though_nothing_of_it_was_predicted()
    {
        Restart();
        for (ulong cold = 100; cold < 103; cold++)
        {
            Ask(cold, cached: 0);
        }

        for (ulong cold = 100; cold < 103; cold++)
        {
            Assert.Equal(Blocks, Held(cold));
        }

        Assert.Equal(1, _rig[0].Trust.Restarts);
    }

    [Fact]
    public void What_was_in_flight_at_a_restart_is_one_restart_and_what_comes_after_it_is_compared()
    {
        Restart();
        var first = Send(100, key: 0);
        Ask(101, cached: 0);
        Ask(102, cached: 0);
        End(first, 100, cached: 0);
        Ask(100, cached: Tokens - 1);
        Assert.Equal((1, false), (_rig[0].Trust.Restarts, _rig[0].Trust.HasRestarted));
        Assert.Equal(Tokens - 1, _rig[0].CachedTokens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_loss_from_before_the_mirror_was_forgotten_counts_no_more(bool byShape)
    {
        Ask(1, cached: 0);
        Ask(1, cached: 0);
        Assert.True(_rig[0].Trust.IsInDoubt);
        _rig.Tell(byShape
            ? PoolEvent.CacheShaped(PoolRig.At(_now), 0, new CacheShape { Kind = CacheKind.Slots, Slots = 4 })
            : PoolEvent.CacheLost(PoolRig.At(_now), 0));
        Assert.False(_rig[0].Trust.IsInDoubt);
        Ask(2, cached: 0);
        Ask(2, cached: 0);
        Assert.Equal((0, true), (_rig[0].Trust.Restarts, _rig[0].Trust.IsInDoubt));
    }

    [Fact]
    public void One_key_cannot_make_a_replica_forget_what_the_others_have_there()
    {
        Ask(1, cached: 0, key: 7);
        Ask(1, cached: Tokens - 1, key: 7);
        for (ulong i = 0; i < 8; i++)
        {
            Ask(100 + (i % 4), cached: 0, key: 8);
        }

        Assert.Equal((0, Blocks), (_rig[0].Trust.Restarts, Held(1)));
        Ask(1, cached: 0, key: 7);
        Assert.Equal(1, _rig[0].Trust.Restarts);
    }

    [Fact]
    public void The_only_key_of_a_replica_is_witness_enough()
    {
        Ask(1, cached: 0, key: 7);
        Ask(2, cached: 0, key: 7);
        Ask(1, cached: 0, key: 7);
        Assert.Equal((0, true), (_rig[0].Trust.Restarts, _rig[0].Trust.IsInDoubt));
        Ask(2, cached: 0, key: 7);
        Assert.Equal(1, _rig[0].Trust.Restarts);
    }

    [Fact]
    public void One_prompt_that_is_not_found_twice_is_no_restart()
    {
        Ask(1, cached: 0);
        Ask(2, cached: 0);
        var first = Send(1, key: 0);
        var second = Send(1, key: 0);
        End(first, 1, cached: 0);
        End(second, 1, cached: 0);
        Assert.Equal((0, Blocks), (_rig[0].Trust.Restarts, Held(2)));
        Assert.True(_rig[0].Trust.IsInDoubt);
    }

    /// <summary>Two prompts that were there are there no more.</summary>
    private void Restart()
    {
        Ask(1, cached: 0);
        Ask(2, cached: 0);
        Ask(1, cached: 0);
        Ask(2, cached: 0);
        Assert.Equal(1, _rig[0].Trust.Restarts);
    }

    private void Ask(ulong name, long cached, ulong key = 0) => End(Send(name, key), name, cached);

    private RouteTicket Send(ulong name, ulong key)
    {
        var request = new RouteRequest { At = PoolRig.At(_now += 1), Prompt = Prompt(name), Key = key };
        var decision = _rig.Decide(chain: PoolRig.Chain(name, Blocks), at: _now);
        return _rig.Tell(PoolEvent.Dispatched(in request, in decision), request.Prompt);
    }

    private void End(RouteTicket ticket, ulong name, long cached)
    {
        var ended = PoolEvent.Ended(PoolRig.At(_now += 1), ticket, RouteEnd.Completed, Tokens, cached, 1);
        _rig.Tell(in ended, Prompt(name));
    }

    private int Held(ulong name)
    {
        var matched = new int[1];
        _rig.State.Index.Match(PoolRig.Chain(name, Blocks), matched);
        return matched[0];
    }

    private static PromptPrefix Prompt(ulong name) => PoolRig.Prompt(PoolRig.Chain(name, Blocks), Bytes);
}
