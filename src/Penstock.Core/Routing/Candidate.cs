using System.Runtime.CompilerServices;

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
}

/// <summary>One replica as the policy saw it: the inputs, the terms of its cost, and the cost.</summary>
public struct Candidate
{
    /// <summary>The replica's slot in the pool state.</summary>
    public int Replica;

    /// <summary><see cref="Ineligible.No"/> where the replica could be chosen.</summary>
    public Ineligible Ineligible;

    /// <summary>Requests in flight there, as counted by this node.</summary>
    public int InFlight;

    /// <summary>Prompt tokens of this request that it is believed to hold.</summary>
    public long MatchedTokens;

    /// <summary>Prompt tokens of this request that it would have to compute.</summary>
    public long UncachedTokens;

    /// <summary>Uncached prompt tokens dispatched there whose first token has not come.</summary>
    public long PrefillTokens;

    /// <summary>Tokens of requests that are decoding there.</summary>
    public long DecodeTokens;

    /// <summary>The terms of the cost; the policy names them.</summary>
    public CostTerms Terms;

    /// <summary>What the policy minimises; its unit is the policy's own.</summary>
    public double Cost;
}

/// <summary>Up to four terms of a cost, named by <see cref="RoutePolicy.TermNames"/>.</summary>
[InlineArray(4)]
public struct CostTerms
{
    private double _first;
}

/// <summary>The outcome of a decision; its reasons are the candidates that were filled in beside it.</summary>
/// <param name="Replica">The chosen slot, or −1 where no replica could be chosen.</param>
/// <param name="RunnerUp">The second best slot, or −1.</param>
/// <param name="PromptTokens">The estimated length of the prompt.</param>
/// <param name="MatchedTokens">Of these, believed to be cached on the chosen replica.</param>
/// <param name="Candidates">How many candidates were filled in.</param>
public readonly record struct RouteDecision(
    int Replica, int RunnerUp, long PromptTokens, long MatchedTokens, int Candidates)
{
    public bool Found => Replica >= 0;

    public long UncachedTokens => PromptTokens - MatchedTokens;
}
