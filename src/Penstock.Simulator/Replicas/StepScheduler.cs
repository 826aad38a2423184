using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// Chooses what each step computes. Those in the batch come first, oldest first, so that decoding never waits for a
/// prefill; what is left of the token budget goes to new requests in order of arrival, a long prompt in chunks.
/// </summary>
internal sealed class StepScheduler(EngineProfile profile, EngineRecord record, IKvMemory memory)
{
    private readonly List<Sequence> _running = [];
    private int _gone;

    public SequenceQueue Waiting { get; } = new();

    public int RunningCount => _running.Count - _gone;

    /// <summary>Plans the step that begins at <paramref name="at"/>; null where there is nothing to do.</summary>
    public StepLoad? Plan(Instant at)
    {
        Check.That(_gone == 0);
        var budget = profile.BatchedTokensMax;
        var load = default(StepLoad);
        if (!ScheduleRunning(at, ref budget, ref load))
        {
            AdmitWaiting(at, ref budget, ref load);
        }

        if (_running.Count == 0)
        {
            Check.That(Waiting.Count == 0 && memory.UsedCount == 0);
            return null;
        }

        Check.That(budget < profile.BatchedTokensMax);
        return load;
    }

    /// <summary>
    /// Books what the step computed, hands out its tokens and closes the gaps in the batch;
    /// <paramref name="finished"/> gets the ids of those that are done.
    /// </summary>
    public void Complete(Instant at, List<long> finished)
    {
        var kept = 0;
        for (var i = 0; i < _running.Count; i++)
        {
            var sequence = _running[i];
            if (sequence.State == SequenceState.Gone)
            {
                continue;
            }

            if (Produce(sequence, at))
            {
                finished.Add(sequence.Id);
            }
            else
            {
                _running[kept++] = sequence;
            }
        }

        _running.RemoveRange(kept, _running.Count - kept);
        _gone = 0;
    }

    /// <summary>Takes a request out at once, wherever it is.</summary>
    public void Drop(Sequence sequence)
    {
        if (sequence.State == SequenceState.Waiting)
        {
            Waiting.Remove(sequence);
        }
        else
        {
            _gone++;
        }

        sequence.State = SequenceState.Gone;
        Release(sequence, KvRelease.Cancelled);
    }

    /// <summary>
    /// Where memory runs out the youngest loses its own. True where that happened: then nobody new is let in.
    /// </summary>
    private bool ScheduleRunning(Instant at, ref int budget, ref StepLoad load)
    {
        var preempted = false;
        for (var i = 0; i < _running.Count && budget > 0; i++)
        {
            var sequence = _running[i];
            var tokens = Math.Min(sequence.Remaining, budget);
            while (!memory.TryGrow(sequence, tokens))
            {
                preempted = true;
                var victim = _running[^1];
                Preempt(victim, at);
                if (victim == sequence)
                {
                    Check.That(i > 0);
                    return true;
                }
            }

            Begin(sequence, tokens, ref budget, ref load);
        }

        return preempted;
    }

    /// <summary>Tokens at the start of a chain that the cache holds.</summary>
    public int CachedTokens(ReadOnlySpan<ulong> chain) => memory.CountCached(chain) * profile.BlockSize;

    /// <summary>Tokens of all that are here that are to be computed after this step and before their first answer.
    /// </summary>
    public long PrefillTokensLeft()
    {
        long left = 0;
        foreach (var sequence in _running)
        {
            left += sequence.IsDecoding ? 0 : Math.Max(0, sequence.Remaining - sequence.InStep);
        }

        for (var sequence = Waiting.First; sequence is not null; sequence = sequence.Next)
        {
            left += Math.Max(1, sequence.Known - CachedTokens(sequence.Chain.Span));
        }

        return left;
    }

    /// <summary>The load of a step in which nothing but what decodes now is computed.</summary>
    public StepLoad DecodeLoad()
    {
        var load = default(StepLoad);
        foreach (var sequence in _running)
        {
            if (sequence.State == SequenceState.Running && sequence.IsDecoding)
            {
                load = load.WithDecode(sequence.Known);
            }
        }

        return load;
    }

    private void AdmitWaiting(Instant at, ref int budget, ref StepLoad load)
    {
        while (budget > 0 && _running.Count < profile.SequencesMax && Waiting.First is { } sequence)
        {
            if (!memory.TryStart(sequence, budget, out var cached))
            {
                return;
            }

            Waiting.Remove(sequence);
            sequence.Start(cached);
            sequence.State = SequenceState.Running;
            _running.Add(sequence);
            if (!sequence.WasPreempted)
            {
                record.Scheduled(sequence, at, cached);
            }

            var tokens = Math.Min(sequence.Remaining, budget);
            Check.That(memory.TryGrow(sequence, tokens));
            Begin(sequence, tokens, ref budget, ref load);
        }
    }

    private void Preempt(Sequence victim, Instant at)
    {
        _running.RemoveAt(_running.Count - 1);
        Release(victim, KvRelease.Preempted);
        victim.State = SequenceState.Waiting;
        victim.WasPreempted = true;
        Waiting.Prepend(victim);
        record.Preempted(victim, at);
    }

    private void Release(Sequence sequence, KvRelease why)
    {
        memory.Release(sequence, why);
        sequence.Lose();
    }

    private static void Begin(Sequence sequence, int tokens, ref int budget, ref StepLoad load)
    {
        sequence.BeginStep(tokens);
        budget -= tokens;
        load = sequence.IsDecoding
            ? load.WithDecode(sequence.Known)
            : load.WithPrefill(tokens, sequence.Computed);
    }

    /// <summary>True where the sequence has produced its last token.</summary>
    private bool Produce(Sequence sequence, Instant at)
    {
        var prefilled = sequence.InStep > 0 && !sequence.IsDecoding;
        sequence.EndStep();
        if (prefilled)
        {
            memory.Prefilled(sequence);
        }

        if (sequence.Remaining > 0)
        {
            return false;
        }

        sequence.Generated++;
        record.Produced(sequence, at);
        if (sequence.Generated < sequence.OutputTarget)
        {
            return false;
        }

        Check.That(sequence.Computed == sequence.Prompt + sequence.OutputTarget - 1);
        sequence.State = SequenceState.Gone;
        Release(sequence, KvRelease.Finished);
        record.Ended(sequence, at);
        return true;
    }
}
