using Penstock.Core.Primitives;
using Penstock.Core.Routing;
using Penstock.Core.Routing.Policies.Hashing;

namespace Penstock.Core.Tests.Routing.Policies;

public class HashingPolicyTests
{
    private static readonly ulong[] Prompt = PoolRig.Chain(7, 32);

    [Fact]
    public void A_key_moves_only_when_its_own_replica_leaves()
    {
        const int Keys = 4_000;
        var moved = 0;
        var counts = new int[5];
        for (var key = 1UL; key <= Keys; key++)
        {
            var all = First(Hash64.Combine(key, 1), 5);
            counts[all]++;
            moved += First(Hash64.Combine(key, 1), 4) == all ? 0 : 1;
        }

        Assert.Equal(counts[4], moved);
        Assert.All(counts, count => Assert.InRange(count, 650, 950));
    }

    /// <summary>A restart gives the slots to those that are left, and another node may have them in another order.
    /// </summary>
    [Fact]
    public void A_key_stays_with_the_replica_of_that_name_whatever_its_slot()
    {
        var (before, after) = (Named("a", "b", "c", "d"), Named("d", "a", "c"));
        var kept = 0;
        for (var key = 1UL; key <= 400; key++)
        {
            var session = Hash64.Combine(key, 1);
            var old = "abcd"[before.Decide(session: session).Replica];
            if (old != 'b')
            {
                Assert.Equal(old, "dac"[after.Decide(session: session).Replica]);
                kept++;
            }
        }

        Assert.InRange(kept, 250, 350);
    }

    [Fact]
    public void Chwbl_keeps_to_its_place_up_to_the_bound_and_then_goes_to_the_next()
    {
        var rig = new PoolRig("chwbl", 4);
        var order = Enumerable.Range(0, 4).OrderBy(i => Rendezvous.Place(Prompt[3], (ulong)i + 1)).ToArray();
        var chosen = new List<int>();
        for (var i = 0; i < 8; i++)
        {
            var decision = rig.Decide(2_048, Prompt);
            chosen.Add(Array.IndexOf(order, decision.Replica));
            rig.Dispatch(in decision, 0, Prompt, 8_192);
        }

        // The bound ⌈1.25·(ΣQ + 1)/4⌉ is 1 up to ΣQ = 2, 2 up to 5, then 3.
        Assert.Equal([0, 1, 2, 0, 1, 2, 0, 1], chosen);
    }

    [Fact]
    public void Chwbl_hashes_the_first_256_tokens()
    {
        var rig = new PoolRig("chwbl", 16);
        var other = Prompt[..4].Concat(PoolRig.Chain(8, 28)).ToArray();
        Assert.Equal(rig.Decide(2_048, Prompt).Replica, rig.Decide(2_048, other).Replica);
        var replicas = Enumerable.Range(0, 50)
            .Select(i => rig.Decide(2_048, [.. Prompt[..3], .. PoolRig.Chain((ulong)i, 4)]).Replica);
        Assert.True(replicas.Distinct().Count() > 5);
    }

    [Fact]
    public void Only_the_session_variant_looks_at_the_session()
    {
        var sessions = Enumerable.Range(1, 40).Select(i => Hash64.Combine((ulong)i, 5)).ToArray();
        var plain = new PoolRig("chwbl", 16);
        Assert.Single(sessions.Select(s => plain.Decide(2_048, Prompt, session: s).Replica).Distinct());
        var bySession = new PoolRig("chwbl-session", 16);
        var chosen = sessions.Select(s => bySession.Decide(2_048, Prompt, session: s).Replica).ToArray();
        Assert.True(chosen.Distinct().Count() > 5);
        Assert.Equal(chosen, sessions.Select(s => bySession.Decide(9, session: s).Replica));
    }

    [Fact]
    public void Sticky_session_stays_for_300_seconds_whatever_the_load()
    {
        var rig = new PoolRig("sticky-session", 3);
        rig.SendTo(2, session: 9);
        rig.SendTo(2);
        Assert.Equal(2, rig.Decide(session: 9, at: 300).Replica);
        Assert.NotEqual(2, rig.Decide(session: 9, at: 300.1).Replica);
        Assert.NotEqual(2, rig.Decide(session: 8, at: 1).Replica);
        rig.SetEligible(2, Ineligible.Draining);
        rig.SendTo(0);
        Assert.Equal(1, rig.Decide(session: 9, at: 1).Replica);
    }

    /// <summary>What was sent before is not asked for again: the session may begin anew wherever that is best.
    /// </summary>
    [Fact]
    public void A_session_that_was_compacted_is_bound_to_no_replica()
    {
        var rig = new PoolRig("sticky-session", 3);
        rig.SendTo(2, session: 9);
        Assert.Equal(2, rig.Decide(session: 9, at: 1).Replica);
        var request = new RouteRequest { At = PoolRig.At(1), Session = 9, ContextCompacted = true };
        Assert.NotEqual(2, rig.Decide(in request).Replica);

        var compaction = new RouteRequest { At = PoolRig.At(1), Session = 9, Class = RequestClass.Compaction };
        Assert.Equal(2, rig.Decide(in compaction).Replica);
        rig.Tell(PoolEvent.Dispatched(in compaction, new RouteDecision(2, -1, 10, 0, 0, 10)), compaction.Prompt);
        Assert.NotEqual(2, rig.Decide(session: 9, at: 2).Replica);
    }

    [Fact]
    public void Vps_session_keeps_a_session_and_counts_requests_of_a_minute_for_others()
    {
        var rig = new PoolRig("vps-session", 3);
        var home = rig.Decide(session: 9).Replica;
        for (var i = 0; i < 20; i++)
        {
            rig.End(rig.SendTo(home));
        }

        Assert.Equal(home, rig.Decide(session: 9).Replica);
        rig.End(rig.SendTo((home + 1) % 3));

        // What has ended counts for the rate all the same, until the minute is over.
        Assert.Equal((home + 2) % 3, rig.Decide().Replica);
        rig.SendTo((home + 2) % 3, at: 61);
        var later = Enumerable.Range(0, 40).Select(_ => rig.Decide(at: 61).Replica).Distinct();
        Assert.Equal(new[] { home, (home + 1) % 3 }.Order(), later.Order());
    }

    [Fact]
    public void Dualmap_takes_the_holder_of_its_pair_until_the_objective_is_missed()
    {
        var rig = new PoolRig("dualmap", 8);
        var (one, other) = Pair(rig);
        rig.Hold(one, Prompt, 16);
        rig.SendTo(one, 31_000);

        // (31,000 + 1,024)/8,000 is 4.0 s.
        Assert.Equal(one, rig.Decide(2_048, Prompt).Replica);
        rig.SendTo(one, 7_900);

        // And now (38,900 + 1,024)/8,000, just below 5 s; then beyond.
        Assert.Equal(one, rig.Decide(2_048, Prompt).Replica);
        rig.SendTo(one, 200);
        Assert.Equal(other, rig.Decide(2_048, Prompt).Replica);

        // A request that says how soon is taken at its word.
        Assert.Equal(one, rig.Decide(2_048, Prompt, slo: new Slo(6, 0)).Replica);
        Assert.Equal(other, rig.Decide(2_048, Prompt, slo: new Slo(0, 6)).Replica);
    }

    [Fact]
    public void Dualmap_takes_the_less_loaded_of_its_pair_where_neither_holds_more()
    {
        var rig = new PoolRig("dualmap", 8);
        var (one, other) = Pair(rig);
        rig.SendTo(one, 500);
        Assert.Equal(other, rig.Decide(2_048, Prompt).Replica);
        rig.SendTo(other, 501);
        Assert.Equal(one, rig.Decide(2_048, Prompt).Replica);
        Assert.Equal(other, rig.Decide(2_048, Prompt, tried: [.. Enumerable.Range(0, 8).Except([other])]).Replica);
    }

    /// <summary>Two of five requests share a prefix, which two of four replicas can take.</summary>
    [Fact]
    public void Dualmap_reckons_with_the_replicas_that_there_are_and_not_with_slots()
    {
        var rig = new PoolRig("dualmap", 8);
        for (var slot = 4; slot < 8; slot++)
        {
            rig.SetEligible(slot, Ineligible.Absent);
        }

        var used = new HashSet<int>();
        for (var i = 0; i < 500; i++)
        {
            var tail = PoolRig.Chain((ulong)i + 100, 32);
            ulong[] chain = i % 5 < 2 ? [.. Prompt[..16], .. tail[..16]] : tail;
            var decision = rig.Decide(2_048, chain);
            rig.End(rig.Dispatch(in decision, i, chain, 8_192));
            if (i >= 300 && i % 5 < 2)
            {
                used.Add(decision.Replica);
            }
        }

        Assert.InRange(used.Count, 1, 2);
    }

    [Fact]
    public void Dualmap_lengthens_a_prefix_that_all_requests_share()
    {
        var rig = new PoolRig("dualmap", 8);
        var used = new HashSet<int>();
        for (var i = 0; i < 200; i++)
        {
            ulong[] chain = [.. Prompt[..16], .. PoolRig.Chain((ulong)i + 100, 16)];
            var decision = rig.Decide(2_048, chain);
            rig.End(rig.Dispatch(in decision, i, chain, 8_192));
            if (i >= 100)
            {
                used.Add(decision.Replica);
            }
        }

        Assert.True(used.Count >= 6, $"only {used.Count} of 8 replicas were used");
    }

    private static PoolRig Named(params string[] names)
    {
        var rig = new PoolRig("chwbl-session", names.Length);
        for (var slot = 0; slot < names.Length; slot++)
        {
            rig.Tell(PoolEvent.Named(default, slot, Hash64.Of(System.Text.Encoding.UTF8.GetBytes(names[slot]))));
        }

        return rig;
    }

    private static int First(ulong key, int replicas) =>
        Enumerable.Range(0, replicas).MinBy(i => Rendezvous.Place(key, (ulong)i + 1));

    private static (int One, int Other) Pair(PoolRig rig)
    {
        var chosen = Enumerable.Range(0, 60).Select(_ => rig.Decide(2_048, Prompt).Replica).Distinct().ToArray();
        Assert.Equal(2, chosen.Length);
        return (chosen[0], chosen[1]);
    }
}
