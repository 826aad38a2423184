using System.Runtime.CompilerServices;
using Penstock.Core.Prefixes;

namespace Penstock.Core.Routing;

/// <summary>Why a replica could not be chosen.</summary>
public enum Ineligible : byte
{
    No,
    NotHealthy,
    Draining,
    TriedBefore,

    /// <summary>On probation, with as many requests as it is trusted with.</summary>
    AtLimit,

    /// <summary>No replica has this slot now.</summary>
    Absent,

    /// <summary>It was recognised, and takes requests in no dialect that is known.</summary>
    NoDialect,
}

/// <summary>One replica as the policy saw it: the inputs, the terms of its cost, and the cost.</summary>
public struct Candidate
{
    /// <summary>The replica's slot in the pool state.</summary>
    public int Replica;

    /// <summary><see cref="Ineligible.No"/> where the replica could be chosen.</summary>
    public Ineligible Ineligible;

    /// <summary>How far the index is relied on for this replica.</summary>
    public TrustLevel Trust;

    /// <summary>Requests in flight there: this node's, and what the others said of theirs.</summary>
    public int InFlight;

    /// <summary>Prompt tokens of this request that it is believed to hold: what the index says, as far as the index is
    /// relied on.</summary>
    public long MatchedTokens;

    /// <summary>Prompt tokens of this request that it would have to compute.</summary>
    public long UncachedTokens;

    /// <summary>Uncached prompt tokens dispatched there whose first token has not come, from all nodes; what other
    /// nodes said counts as more the older it is.</summary>
    public long PrefillTokens;

    /// <summary>Tokens of requests that are decoding there, from all nodes.</summary>
    public long DecodeTokens;

    /// <summary>What the policy minimises; its unit is the policy's own.</summary>
    public double Cost;

    /// <summary>The terms of the cost; the policy names them.</summary>
    public CostTerms Terms;

    /// <summary>What the index says, by tier, before trust.</summary>
    public PrefixMatch Match;

    /// <summary>Seconds since the engine last told its load; infinity where it never did.</summary>
    public double LoadAge;

    /// <summary>Seconds since the oldest view of another node; 0 where there is none.</summary>
    public double PeerAge;
}

/// <summary>Up to seven terms of a cost, named by <see cref="RoutePolicy.TermNames"/>.</summary>
[InlineArray(7)]
public struct CostTerms
{
    private double _first;
}

/// <summary>The outcome of a decision; its reasons are the candidates that were filled in beside it.</summary>
/// <param name="Replica">The chosen slot, or −1 where no replica could be chosen.</param>
/// <param name="RunnerUp">The second best slot, or −1.</param>
/// <param name="PromptTokens">The estimated length of the prompt.</param>
/// <param name="MatchedTokens">Of these, relied on to be cached on the chosen replica.</param>
/// <param name="PredictedTokens">Of these, cached there according to the index alone, whatever the trust in it.</param>
/// <param name="OutputTokens">Expected tokens of the answer.</param>
public readonly record struct RouteDecision(
    int Replica, int RunnerUp, long PromptTokens, long MatchedTokens, long PredictedTokens, long OutputTokens)
{
    public bool Found => Replica >= 0;

    public long UncachedTokens => PromptTokens - MatchedTokens;
}
