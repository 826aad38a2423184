using Penstock.Core.Primitives;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Cluster;

/// <summary>Another gateway.</summary>
/// <param name="Seat">A small number that is its own while it is known, from 0 to <see cref="SeatsMax"/> - 1.</param>
/// <param name="Name">Its name.</param>
internal readonly record struct PeerNode(int Seat, string Name)
{
    /// <summary>Other gateways known at a time at most.</summary>
    public const int SeatsMax = 64;
}

/// <summary>
/// Who uses what other gateways say. Calls about one node come one at a time and in order, calls about different nodes
/// at the same time. They come on the thread that reads the stream: take what is said and return.
/// </summary>
/// <remarks>
/// <c>at</c> is on this machine's own clock: the earliest moment at which the sender can have been so, or later by the
/// least delay that its stream ever had. Clocks of machines are never compared.
/// </remarks>
internal interface IPeerSink
{
    /// <summary>What the node has in flight at a replica, of its own requests alone; absolute.</summary>
    void PeerLoad(
        PeerNode node, string pool, string replica, int inFlight, long prefillTokens, long decodeTokens, Instant at);

    /// <summary>The node routed a prompt to a replica.</summary>
    /// <param name="node">Who did.</param>
    /// <param name="pool">The pool of the replica, by the name under which its prompts are told.</param>
    /// <param name="replica">The replica.</param>
    /// <param name="blocks">The chain of the prompt, from its first block; valid during the call.</param>
    /// <param name="at">When it was told.</param>
    void PeerPrefix(PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, Instant at);

    /// <summary>A prompt that the node routed to a replica was answered there.</summary>
    /// <param name="node">Who routed it.</param>
    /// <param name="pool">The pool of the replica, by the name under which its prompts are told.</param>
    /// <param name="replica">The replica.</param>
    /// <param name="blocks">The chain of the prompt; valid during the call.</param>
    /// <param name="answer">What came of it.</param>
    /// <param name="at">When it was told.</param>
    void PeerAnswered(
        PeerNode node, string pool, string replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer, Instant at);

    /// <summary>The node saw by answers that a replica lost its cache.</summary>
    void PeerCacheLost(PeerNode node, string pool, string replica, Instant at);

    /// <summary>All that the node said of its loads is still so, as of <paramref name="at"/>.</summary>
    void PeerHeard(PeerNode node, Instant at);

    /// <summary>The node left, died, or is silent: what it had in flight counts as ended. Where it is heard again, its
    /// loads are told again.</summary>
    void PeerGone(PeerNode node, Instant at);
}
