using Penstock.Core.Prefixes;
using Penstock.Core.Routing;
using Penstock.Core.Tests.Routing;

namespace Penstock.Core.Tests.Prefixes;

/// <summary>An engine that was started without prefix caching.</summary>
public class NoMirrorTests
{
    private const int Blocks = 20;
    private const int Bytes = Blocks * PrefixChainBuilder.BlockBytes;
    private const long Tokens = Bytes / 4;

    private static readonly CacheShape s_off = new() { Kind = CacheKind.Off, BlockTokens = 16, CapacityTokens = 9_000 };
    private static readonly ulong[] s_chain = PoolRig.Chain(1, Blocks);

    [Fact]
    public void Nothing_is_remembered_of_it_or_predicted_or_compared()
    {
        var rig = Rig("round-robin");
        for (var i = 0; i < 40; i++)
        {
            Ask(rig, cached: 0);
        }

        rig.Tell(PoolEvent.PeerPrefix(default, 0, 1), PoolRig.Prompt(s_chain, Bytes));
        rig.Tell(PoolEvent.PeerAnswered(default, 0, 1, Tokens, 9), PoolRig.Prompt(s_chain, Bytes));
        rig.Tell(PoolEvent.CacheStored(default, 0, CacheTier.Device), PoolRig.Prompt(s_chain, Bytes));
        rig.Tell(PoolEvent.CacheStored(default, 0, CacheTier.Shared), PoolRig.Prompt(s_chain, Bytes));
        Assert.Equal((0, 0L, 0L), (rig.State.Index.CountOf(0), rig.State.Index.TokensAt(0), rig[0].PredictedTokens));
        Assert.Equal(0, Predicted(rig, 0));
        Assert.Equal((TrustLevel.Trusted, false), (rig[0].Trust.Level, rig[0].Trust.IsAlarming));
    }

    [Fact]
    public void What_others_have_in_a_store_that_all_share_is_of_no_use_to_it()
    {
        var rig = Rig("round-robin");
        rig.Tell(PoolEvent.CacheStored(default, 1, CacheTier.Shared), PoolRig.Prompt(s_chain, Bytes));
        Assert.Equal((0, Tokens - 1), (Predicted(rig, 0), Predicted(rig, 1)));
    }

    [Fact]
    public void It_is_so_after_a_reload_and_no_longer_once_it_is_known_to_have_a_cache()
    {
        var rig = Rig("round-robin");
        var ticket = rig.SendTo(0, chain: s_chain, bytes: Bytes);
        rig.SaveAndLoad();
        rig.End(ticket);
        Ask(rig, cached: 0);
        Assert.Equal(0, rig.State.Index.CountOf(0));
        ticket = rig.SendTo(0, chain: s_chain, bytes: Bytes);
        rig.Tell(PoolEvent.CacheShaped(default, 0, s_off with { Kind = CacheKind.Paged }));
        rig.End(ticket);
        Assert.True(Predicted(rig, 0) > 0);
        Assert.Equal(0, rig.State.Index.PinsAt(0));
    }

    [Fact]
    public void An_alarm_that_was_raised_before_it_was_known_is_over()
    {
        var rig = Rig("round-robin", isOff: false);
        for (var i = 0; i < 40; i++)
        {
            Ask(rig, cached: 0);
        }

        Assert.True(rig[0].Trust.IsAlarming);
        rig.Tell(PoolEvent.CacheShaped(default, 0, s_off));
        Assert.False(rig[0].Trust.IsAlarming);
        Assert.Equal((0, 0L), (rig.State.Index.CountOf(0), Predicted(rig, 0)));
    }

    /// <summary>A prefix that many begin with is copied to where it will be found again.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_hot_prefix_is_copied_there(bool isOff)
    {
        var rig = Rig("penstock", isOff);
        for (ulong i = 0; i < 40; i++)
        {
            rig.SendTo(1, chain: [.. s_chain, .. PoolRig.Chain(100 + i, 4)], bytes: Bytes + 1_024, at: i * 0.01);
        }

        rig.Decide(tokens: (Bytes + 1_024) / 4, chain: [.. s_chain, .. PoolRig.Chain(99, 4)], at: 0.5);
        Assert.Equal(isOff, rig.Candidates[0].Terms[6] == 0);
    }

    private static PoolRig Rig(string policy, bool isOff = true)
    {
        var rig = new PoolRig(policy, 2);
        rig.Tell(PoolEvent.CacheShaped(default, 0, isOff ? s_off : s_off with { Kind = CacheKind.Paged }));
        return rig;
    }

    /// <summary>Of replica 0, with what is predicted of it.</summary>
    private static void Ask(PoolRig rig, long cached)
    {
        rig.SetEligible(1, Ineligible.NotHealthy);
        var decision = rig.Decide(tokens: Tokens, chain: s_chain);
        rig.End(rig.Dispatch(in decision, 0, s_chain, Bytes), prompt: Tokens, cached: cached);
        rig.SetEligible(1, Ineligible.No);
    }

    private static long Predicted(PoolRig rig, int replica)
    {
        var matches = new PrefixMatch[2];
        rig.State.Index.Match(PoolRig.Prompt(s_chain, Bytes), matches);
        return matches[replica].Tokens;
    }
}
