using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Tests.Routing;

/// <summary>What other gateways have in flight, as a decision counts it.</summary>
public class PeerLoadsTests
{
    private readonly PoolRig _rig = new("least-outstanding", replicas: 3);

    [Fact]
    public void What_others_have_in_flight_adds_up_and_is_gone_with_them()
    {
        _rig.SendTo(0, 500);
        Hear(1, 0, new PeerShare(2, 1_000, 40));
        Hear(2, 0, new PeerShare(3, 100, 7));
        Assert.Equal((6, 1_600, 47), Seen(0));
        Gone(1);
        Assert.Equal((4, 600, 7), Seen(0));
        Gone(2);
        Assert.Equal((1, 500, 0), Seen(0));
    }

    [Fact]
    public void A_node_that_is_back_is_taken_at_its_new_word()
    {
        Hear(1, 0, new PeerShare(9, 9_000, 9));
        Gone(1);
        Hear(1, 1, new PeerShare(1, 10, 1), at: 5);
        Assert.Equal((0, 0, 0), Seen(0, at: 5));
        Assert.Equal((1, 10, 1), Seen(1, at: 5));
    }

    [Fact]
    public void An_old_view_counts_as_more_up_to_a_bound_and_is_as_before_once_it_is_confirmed()
    {
        for (var i = 0; i < 100; i++)
        {
            _rig.End(_rig.SendTo(0, 1_000, at: i * 0.1), at: i * 0.1);
        }

        Hear(1, 0, new PeerShare(1, 100, 0), at: 10);
        var fresh = Seen(0, at: 10).Prefill;
        Assert.Equal(100, fresh);
        var (second, third, late) = (Seen(0, at: 11), Seen(0, at: 12), Seen(0, at: 1_000));
        Assert.True(fresh < second.Prefill && second.Prefill < third.Prefill, $"{fresh}, {second}, {third}");
        Assert.Equal(1, late.InFlight);
        Assert.InRange(late.Prefill, 100, 100 + (3 * 10_000));
        Assert.Equal(990, _rig.Candidates[0].PeerAge);

        _rig.Tell(PoolEvent.PeerHeard(PoolRig.At(12), node: 1));
        Assert.Equal(100, Seen(0, at: 12).Prefill);
    }

    [Fact]
    public void A_node_without_a_seat_is_not_counted_and_harms_nothing()
    {
        Hear(-1, 0, new PeerShare(9, 9, 9));
        Hear(int.MaxValue, 0, new PeerShare(9, 9, 9));
        Gone(64);
        _rig.Tell(PoolEvent.PeerHeard(default, 64));
        Assert.Equal((0, 0, 0), Seen(0));
    }

    [Fact]
    public void What_waited_behind_the_prefill_of_another_gateway_did_not_take_that_long()
    {
        var alone = Rate(others: false);
        Assert.InRange(Rate(others: true), alone * 0.99, alone * 1.01);
    }

    [Fact]
    public void A_turn_that_another_gateway_saw_answered_is_predicted_with_its_answer()
    {
        var chain = PoolRig.Chain(1, 40);
        var mark = new PromptMark(8_000, 77);
        var prompt = new PromptPrefix { Blocks = chain.AsSpan(0, 31), Marks = new(in mark), Length = mark.End };
        _rig.Tell(PoolEvent.PeerPrefix(default, 0, 1), new PromptPrefix { Blocks = prompt.Blocks });
        _rig.Tell(PoolEvent.PeerAnswered(default, 0, 1, promptTokens: 2_000, output: 400), in prompt);
        PromptMark[] marks = [mark, new(10_000, 78)];
        var request = new RouteRequest { Prompt = new PromptPrefix { Blocks = chain, Marks = marks, Length = 10_000 } };
        var found = new PrefixMatch[3];
        _rig.State.Index.Match(request.Prompt, found);
        Assert.InRange(found[0].Tokens, 2_384, 2_399);
        Assert.Equal(0, found[1].Tokens);
    }

    /// <summary>Whatever is heard in whatever order: when all are gone, nothing of it is left.</summary>
    [Fact]
    public void Nothing_of_what_was_heard_is_left_once_all_are_gone() => Prop.ForAll<ulong>(seed =>
    {
        var rng = new Rng(seed);
        var rig = new PoolRig("penstock", replicas: 3);
        for (var i = 0; i < 100; i++)
        {
            var (node, at) = (rng.NextInt32(4), PoolRig.At(rng.NextDouble() * 60));
            rig.Tell(rng.NextInt32(4) switch
            {
                0 => PoolEvent.PeerGone(at, node),
                1 => PoolEvent.PeerHeard(at, node),
                _ => PoolEvent.PeerLoad(
                    at, rng.NextInt32(3), node, new PeerShare(rng.NextInt32(9), rng.NextInt32(9_000), 5)),
            });
            Assert.InRange(rig.Decide(at: 30).Replica, 0, 2);
        }

        for (var node = 0; node < 4; node++)
        {
            rig.Tell(PoolEvent.PeerGone(PoolRig.At(60), node));
        }

        rig.Decide(at: 60);
        foreach (var candidate in rig.Candidates)
        {
            Assert.Equal((0, 0L, 0L, 0.0),
                (candidate.InFlight, candidate.PrefillTokens, candidate.DecodeTokens, candidate.PeerAge));
        }
    }).QuickCheckThrowOnFailure();

    /// <summary>The rate that a replica of 10,000 tokens a second shows, which half of the time has another gateway's
    /// prompt to compute first.</summary>
    private static double Rate(bool others)
    {
        var rig = new PoolRig("penstock", replicas: 1);
        for (var i = 0; i < 200; i++)
        {
            var at = i * 60.0;
            var tokens = i % 3 == 0 ? 40_000 : 4_000;
            var wait = others && i % 2 == 0 ? 5.0 : 0;
            rig.Tell(PoolEvent.PeerLoad(PoolRig.At(at), 0, 1, new PeerShare(1, wait > 0 ? 50_000 : 0, 0)));
            var ticket = rig.SendTo(0, tokens, at);
            rig.Tell(PoolEvent.PeerLoad(PoolRig.At(at + wait), 0, 1, new PeerShare(1, 0, 50_000)));
            rig.FirstToken(ticket, at + wait + (tokens / 10_000.0));
            rig.End(ticket, at: at + wait + 10, output: 50);
        }

        return rig[0].PrefillRate;
    }

    private void Hear(int node, int replica, PeerShare share, double at = 0) =>
        _rig.Tell(PoolEvent.PeerLoad(PoolRig.At(at), replica, node, in share));

    private void Gone(int node) => _rig.Tell(PoolEvent.PeerGone(default, node));

    private (int InFlight, long Prefill, long Decode) Seen(int replica, double at = 0)
    {
        _rig.Decide(at: at);
        ref readonly var candidate = ref _rig.Candidates[replica];
        return (candidate.InFlight, candidate.PrefillTokens, candidate.DecodeTokens);
    }
}
