using Penstock.Core.Prefixes;

namespace Penstock.Core.Tests.Prefixes;

public class CacheTrustTests
{
    [Fact]
    public void A_replica_is_trusted_until_it_is_seen_to_disagree()
    {
        var trust = new CacheTrust();
        Assert.Equal((TrustLevel.Trusted, 1.0), (trust.Level, trust.Belief));
        trust = Agree(trust, 50);
        Assert.Equal((TrustLevel.Trusted, 1.0), (trust.Level, trust.Belief));
    }

    [Fact]
    public void Losses_that_evictions_explain_lead_over_suspicion_to_no_trust_at_all()
    {
        var trust = new CacheTrust();
        var seen = new List<TrustLevel>();
        for (var i = 0; i < 10; i++)
        {
            trust = trust.After(1_000, 0, 0);
            seen.Add(trust.Level);
        }

        Assert.Equal(TrustLevel.Suspect, seen[1]);
        Assert.Equal(TrustLevel.Untrusted, seen[^1]);
        Assert.Equal(0, trust.Belief);
        Assert.False(trust.HasRestarted);
        Assert.True(trust.IsAlarming);
    }

    [Fact]
    public void One_lucky_answer_does_not_restore_trust()
    {
        var trust = Agree(Lose(new CacheTrust(), 20), 1);
        Assert.Equal(TrustLevel.Untrusted, trust.Level);
        trust = Agree(trust, CacheTrust.AgreedToRecover - 1);
        Assert.Equal(TrustLevel.Recovering, trust.Level);
        Assert.InRange(trust.Belief, 0.1, 0.9);
        Assert.Equal(TrustLevel.Untrusted, trust.After(1_000, 0, 0).Level);
        Assert.Equal(TrustLevel.Trusted, Agree(trust, 40).Level);
    }

    [Fact]
    public void A_suspect_is_trusted_again_after_agreeing_for_long_enough()
    {
        var trust = Lose(new CacheTrust(), 2);
        Assert.Equal(TrustLevel.Suspect, trust.Level);
        Assert.Equal(TrustLevel.Suspect, Agree(trust, CacheTrust.AgreedToTrust - 1).Level);
        Assert.Equal(TrustLevel.Trusted, Agree(trust, 30).Level);
    }

    [Fact]
    public void What_no_eviction_explains_twice_in_a_row_is_a_restart_once()
    {
        var trust = new CacheTrust().After(5_000, 5_000, 0);
        Assert.Equal((TrustLevel.Suspect, false), (trust.Level, trust.HasRestarted));
        trust = trust.After(4_000, 3_000, 100);
        Assert.True(trust.HasRestarted);
        Assert.Equal(1, trust.Restarts);
        Assert.False(trust.After(500, 500, 500).HasRestarted);
        Assert.False(trust.After(500, 500, 0).HasRestarted);
    }

    [Fact]
    public void An_agreement_in_between_makes_losses_no_restart()
    {
        var trust = new CacheTrust();
        for (var i = 0; i < 10; i++)
        {
            trust = trust.After(5_000, 5_000, 0);
            Assert.False(trust.HasRestarted);
            trust = trust.After(5_000, 5_000, 4_990);
        }
    }

    [Fact]
    public void Errors_have_a_sign_and_a_size()
    {
        var less = Lose(new CacheTrust(), 60);
        Assert.InRange(less.Error, -1, -0.99);
        var more = new CacheTrust();
        for (var i = 0; i < 60; i++)
        {
            more = more.After(0, 0, 640);
        }

        Assert.InRange(more.Error, 0.99, 1);
        Assert.InRange(more.ErrorTokens, 630, 640);
        Assert.True(more.IsAlarming);
        Assert.False(new CacheTrust().After(0, 0, 640).IsAlarming);
        Assert.Equal(new CacheTrust(), new CacheTrust().After(0, 0, 0));
    }

    private static CacheTrust Agree(CacheTrust trust, int times) =>
        times == 0 ? trust : Agree(trust.After(1_000, 0, 1_000), times - 1);

    private static CacheTrust Lose(CacheTrust trust, int times) =>
        times == 0 ? trust : Lose(trust.After(1_000, 0, 0), times - 1);
}
