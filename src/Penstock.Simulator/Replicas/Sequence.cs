using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

internal enum SequenceState
{
    Waiting,
    Running,
    Gone,
}

/// <summary>One request inside the engine, with the blocks it holds.</summary>
internal sealed class Sequence(EngineRequest request)
{
    private int[] _blocks = new int[8];
    private int _published;

    public long Id => request.Id;

    public int Prompt => request.PromptTokens;

    public ReadOnlySpan<ulong> Chain => request.Chain.Span;

    public int OutputTarget => request.OutputTokens;

    /// <summary>Tokens produced; survives a preemption.</summary>
    public int Generated { get; set; }

    /// <summary>Tokens whose KV is in memory.</summary>
    public int Computed { get; private set; }

    /// <summary>Tokens that the step under way computes.</summary>
    public int InStep { get; private set; }

    public int BlockCount { get; private set; }

    public SequenceState State { get; set; }

    public bool WasPreempted { get; set; }

    /// <summary>Neighbours in the waiting queue.</summary>
    public Sequence? Next { get; set; }

    public Sequence? Previous { get; set; }

    /// <summary>Tokens of prompt and answer that are known.</summary>
    public int Known => Prompt + Generated;

    public int Remaining => Known - Computed;

    /// <summary>One known token whose KV is missing, after the first answer: the ordinary decode step.</summary>
    public bool IsDecoding => Generated > 0 && Remaining == 1;

    /// <summary>
    /// Takes over the cached blocks of its prefix if the rest of the first chunk fits as well. At least one token is
    /// always computed: the engine needs its logits.
    /// </summary>
    public bool TryStart(KvBlockPool kv, int blockSize, int budget, out int cachedTokens)
    {
        var chain = request.Chain.Span;
        var limit = Math.Min(chain.Length, (Known - 1) / blockSize);
        var hits = 0;
        var revived = 0;
        while (hits < limit && kv.Find(chain[hits]) is >= 0 and var block)
        {
            revived += kv.IsFree(block) ? 1 : 0;
            hits++;
        }

        cachedTokens = hits * blockSize;
        var tokens = Math.Min(Known - cachedTokens, budget);
        var fresh = BlocksFor(cachedTokens + tokens, blockSize) - hits;
        if (fresh + revived > kv.FreeCount)
        {
            return false;
        }

        for (var i = 0; i < hits; i++)
        {
            var block = kv.Find(chain[i]);
            kv.Share(block, chain[i]);
            Append(block);
        }

        _published = hits;
        Computed = cachedTokens;
        return true;
    }

    /// <summary>Takes the blocks for the next <paramref name="tokens"/> tokens; false where too few are free.</summary>
    public bool TryGrow(KvBlockPool kv, int blockSize, int tokens)
    {
        var needed = BlocksFor(Computed + tokens, blockSize);
        if (needed - BlockCount > kv.FreeCount)
        {
            return false;
        }

        while (BlockCount < needed)
        {
            Append(kv.Take());
        }

        InStep = tokens;
        var chain = request.Chain.Span;
        var full = Math.Min((Computed + tokens) / blockSize, chain.Length);
        for (; _published < full; _published++)
        {
            kv.Publish(_blocks[_published], chain[_published]);
        }

        return true;
    }

    /// <summary>What the step computed is in memory now.</summary>
    public void EndStep(int blockSize)
    {
        Computed += InStep;
        InStep = 0;
        Check.That(Computed <= Known && BlockCount >= BlocksFor(Computed, blockSize));
    }

    /// <summary>
    /// Gives every block back, the last one first: the start of a prompt is worth the most to others.
    /// </summary>
    public void ReleaseBlocks(KvBlockPool kv)
    {
        while (BlockCount > 0)
        {
            kv.Release(_blocks[--BlockCount]);
        }

        Computed = 0;
        InStep = 0;
        _published = 0;
    }

    private static int BlocksFor(int tokens, int blockSize) => (tokens + blockSize - 1) / blockSize;

    private void Append(int block)
    {
        if (BlockCount == _blocks.Length)
        {
            Array.Resize(ref _blocks, _blocks.Length * 2);
        }

        _blocks[BlockCount++] = block;
    }
}

/// <summary>The waiting requests, oldest first: ends and removal from the middle in constant time.</summary>
internal sealed class SequenceQueue
{
    private Sequence? _first;
    private Sequence? _last;

    public int Count { get; private set; }

    public Sequence? First => _first;

    public void Append(Sequence sequence)
    {
        sequence.Previous = _last;
        sequence.Next = null;
        if (_last is null)
        {
            _first = sequence;
        }
        else
        {
            _last.Next = sequence;
        }

        _last = sequence;
        Count++;
    }

    public void Prepend(Sequence sequence)
    {
        sequence.Next = _first;
        sequence.Previous = null;
        if (_first is null)
        {
            _last = sequence;
        }
        else
        {
            _first.Previous = sequence;
        }

        _first = sequence;
        Count++;
    }

    public void Remove(Sequence sequence)
    {
        if (sequence.Previous is null)
        {
            _first = sequence.Next;
        }
        else
        {
            sequence.Previous.Next = sequence.Next;
        }

        if (sequence.Next is null)
        {
            _last = sequence.Previous;
        }
        else
        {
            sequence.Next.Previous = sequence.Previous;
        }

        sequence.Next = null;
        sequence.Previous = null;
        Count--;
    }
}
