namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>What a cached prefix is worth where tiers count differently.</summary>
internal static class PrefixCredit
{
    /// <summary>The matched tokens, each weighed by its tier, as far as the index is relied on.</summary>
    public static double Of(in Candidate candidate, double device, double host, double disk, double shared)
    {
        ref readonly var match = ref candidate.Match;
        var tokens = match.Tokens;
        return tokens == 0
            ? 0
            : ((device * match.Device) + (host * match.Host) + (disk * match.Disk) + (shared * match.Shared))
                * (candidate.MatchedTokens / (double)tokens);
    }
}
