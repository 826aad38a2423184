using Penstock.Wire.Peers;

namespace Penstock.Wire.Tests.Peers;

/// <summary>Writes down what a decoder says, a line each.</summary>
internal sealed class HeardFrames : IPeerFrames
{
    public List<string> Lines { get; } = [];

    public List<ulong[]> Chains { get; } = [];

    public void Hello(long epoch, string node) => Lines.Add($"hello {node} {epoch}");

    public void Heartbeat(long nanoseconds) => Lines.Add($"heartbeat {nanoseconds}");

    public void Load(PeerReplica replica, int inFlight, long prefillTokens, long decodeTokens) =>
        Lines.Add($"load {replica.Pool}/{replica.Name} {inFlight} {prefillTokens} {decodeTokens}");

    public void Prefix(PeerReplica replica, ReadOnlySpan<ulong> blocks)
    {
        Chains.Add(blocks.ToArray());
        Lines.Add($"prefix {replica.Pool}/{replica.Name} {string.Join(',', blocks.ToArray())}");
    }

    public void Answered(PeerReplica replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer) =>
        Lines.Add($"answered {replica.Pool}/{replica.Name} {answer.PromptTokens} {answer.AnswerTokens} {answer.End} "
            + $"{answer.Hash} {string.Join(',', blocks.ToArray())}");

    public void CacheLost(PeerReplica replica) => Lines.Add($"lost {replica.Pool}/{replica.Name}");

    public void Goodbye() => Lines.Add("goodbye");
}
