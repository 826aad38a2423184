using System.Runtime.InteropServices;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>The cache events of an engine until they are handed out.</summary>
internal sealed class CacheEventLog(int blockSize)
{
    private const int ChunkHashes = 1024;

    private readonly List<CacheEvent> _events = [];
    private ulong[] _hashes = [];
    private int _hashCount;
    private bool _handedOut;

    /// <summary>The time of what happens now.</summary>
    public Instant At { get; set; }

    /// <summary>Steps that have ended.</summary>
    public long Step { get; set; }

    /// <summary>All events since the last call; the span is good until the next change.</summary>
    public ReadOnlySpan<CacheEvent> HandOut()
    {
        ForgetHandedOut();
        _handedOut = true;
        return CollectionsMarshal.AsSpan(_events);
    }

    /// <summary>Drops what was not handed out.</summary>
    public void Forget() => _events.Clear();

    /// <summary>The blocks <paramref name="from"/> to <paramref name="to"/> of a request can be found now.</summary>
    public void Stored(Sequence sequence, int from, int to)
    {
        if (from == to)
        {
            return;
        }

        var chain = sequence.Chain;
        var tokens = sequence.Tokens;
        Emit(new CacheEvent
        {
            Kind = CacheEventKind.Stored,
            At = At,
            Step = Step,
            Hashes = chain[from..to],
            Parent = from == 0 ? null : chain.Span[from - 1],
            Tokens = tokens.Length < to * blockSize ? default : tokens[(from * blockSize)..(to * blockSize)],
        });
    }

    public void Removed(ulong hash)
    {
        // Taken from chunks that are never used again, as the events may outlive the log's own lists.
        if (_hashCount == _hashes.Length)
        {
            _hashes = new ulong[ChunkHashes];
            _hashCount = 0;
        }

        _hashes[_hashCount] = hash;
        Removed(_hashes.AsMemory(_hashCount++, 1));
    }

    public void Removed(ReadOnlyMemory<ulong> hashes) =>
        Emit(new CacheEvent { Kind = CacheEventKind.Removed, At = At, Step = Step, Hashes = hashes });

    public void Cleared() => Emit(new CacheEvent { Kind = CacheEventKind.Cleared, At = At, Step = Step });

    private void Emit(in CacheEvent happened)
    {
        ForgetHandedOut();
        _events.Add(happened);
    }

    private void ForgetHandedOut()
    {
        if (_handedOut)
        {
            _events.Clear();
            _handedOut = false;
        }
    }
}
