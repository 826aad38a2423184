using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

internal enum SequenceState
{
    Waiting,
    Running,
    Gone,
}

/// <summary>One request inside the engine: how far it is.</summary>
internal sealed class Sequence(EngineRequest request)
{
    public long Id => request.Id;

    public int Prompt => request.PromptTokens;

    public int OutputTarget => request.OutputTokens;

    /// <summary>Prefix hashes of the full blocks of prompt and answer.</summary>
    public ReadOnlyMemory<ulong> Chain => request.Chain;

    /// <summary>Tokens of prompt and answer, where the caller gave them.</summary>
    public ReadOnlyMemory<uint> Tokens => request.Tokens;

    /// <summary>Tokens produced; survives a preemption.</summary>
    public int Generated { get; set; }

    /// <summary>Tokens whose KV is in memory.</summary>
    public int Computed { get; private set; }

    /// <summary>Tokens that the step under way computes.</summary>
    public int InStep { get; private set; }

    public SequenceState State { get; set; }

    public bool WasPreempted { get; set; }

    /// <summary>What it holds of the memory; the memory's own.</summary>
    public KvHolding? Held { get; set; }

    /// <summary>Neighbours in the waiting queue.</summary>
    public Sequence? Next { get; set; }

    public Sequence? Previous { get; set; }

    /// <summary>Tokens of prompt and answer that are known.</summary>
    public int Known => Prompt + Generated;

    public int Remaining => Known - Computed;

    /// <summary>One known token whose KV is missing, after the first answer: the ordinary decode step.</summary>
    public bool IsDecoding => Generated > 0 && Remaining == 1;

    /// <summary>It enters the batch with that much in memory.</summary>
    public void Start(int cachedTokens) => Computed = cachedTokens;

    /// <summary>The step that begins computes <paramref name="tokens"/> of it.</summary>
    public void BeginStep(int tokens) => InStep = tokens;

    /// <summary>What the step computed is in memory now.</summary>
    public void EndStep()
    {
        Computed += InStep;
        InStep = 0;
        Check.That(Computed <= Known);
    }

    /// <summary>It has no memory any more.</summary>
    public void Lose()
    {
        Computed = 0;
        InStep = 0;
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
