using System.Runtime.InteropServices;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>What happened in an engine: events until they are handed out, totals for good.</summary>
internal sealed class EngineRecord(bool reportsTokens)
{
    private readonly List<EngineEvent> _events = [];
    private bool _handedOut;

    public long PrefixQueries { get; private set; }

    public long PrefixHits { get; private set; }

    public long Preemptions { get; private set; }

    public long PromptTokens { get; private set; }

    public long GenerationTokens { get; private set; }

    public long Submitted { get; set; }

    public long Finished { get; private set; }

    public long Cancelled { get; set; }

    public long Steps { get; set; }

    /// <summary>All events since the last call; the span is good until the next change.</summary>
    public ReadOnlySpan<EngineEvent> HandOut()
    {
        ForgetHandedOut();
        _handedOut = true;
        return CollectionsMarshal.AsSpan(_events);
    }

    public void Scheduled(Sequence sequence, Instant at, int cachedTokens)
    {
        PrefixQueries += sequence.Prompt;
        PrefixHits += cachedTokens;
        Emit(new EngineEvent(EngineEventKind.Scheduled, sequence.Id, at, cachedTokens));
    }

    public void Preempted(Sequence sequence, Instant at)
    {
        Preemptions++;
        Emit(new EngineEvent(EngineEventKind.Preempted, sequence.Id, at, sequence.Generated));
    }

    public void Produced(Sequence sequence, Instant at)
    {
        GenerationTokens++;
        if (sequence.Generated == 1)
        {
            PromptTokens += sequence.Prompt;
            Emit(new EngineEvent(EngineEventKind.FirstToken, sequence.Id, at, 1));
        }
        else if (reportsTokens)
        {
            Emit(new EngineEvent(EngineEventKind.Token, sequence.Id, at, sequence.Generated));
        }
    }

    public void Ended(Sequence sequence, Instant at)
    {
        Finished++;
        Emit(new EngineEvent(EngineEventKind.Finished, sequence.Id, at, sequence.Generated));
    }

    private void Emit(EngineEvent happened)
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
