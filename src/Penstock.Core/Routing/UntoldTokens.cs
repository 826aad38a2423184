using Penstock.Core.Primitives;

namespace Penstock.Core.Routing;

/// <summary>
/// How many tokens a replica's cache may hold that its engine's events do not tell of yet: prompts in flight, and what
/// was sent and answered within the longest delay of an event. What is believed to be there is only trimmed to what is
/// told once this much is left out, so that late events take nothing away that is really there.
/// </summary>
public static class UntoldTokens
{
    /// <summary>Seconds over which what came to a cache is summed, older tokens counting ever less.</summary>
    private const double Span = 5;

    /// <summary>The delay of an event that is allowed for. What is told later than that must not be used.</summary>
    public static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(2);

    /// <summary>Tokens come to the replica's cache now.</summary>
    internal static void Came(ref ReplicaLoad load, long tokens, Instant now)
    {
        load.CameTokens = Left(in load, now) + tokens;
        load.CameAt = now;
    }

    /// <summary>At most so many may be missing from what is told.</summary>
    internal static long Most(in ReplicaLoad load, in PeerShare peers, Instant now)
    {
        // What came within the delay weighs at least so much, which makes this a bound and no estimate.
        var recent = Left(in load, now) * Math.Exp(DelayMax.TotalSeconds / Span);
        return (long)Math.Ceiling(recent) + load.PrefillTokens + load.DecodeTokens
            + peers.PrefillTokens + peers.DecodeTokens;
    }

    private static double Left(in ReplicaLoad load, Instant now) =>
        load.CameTokens * Math.Exp(-Math.Max(0, (now - load.CameAt).TotalSeconds) / Span);
}
