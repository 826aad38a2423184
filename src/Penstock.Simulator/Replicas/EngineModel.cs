using System.Diagnostics.CodeAnalysis;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// One replica of an inference engine in virtual time: continuous batching with chunked prefill under a token budget,
/// paged KV memory with prefix caching, queueing, and preemption by recomputation, after the scheduler of vLLM v1.
/// </summary>
/// <remarks>
/// The owner moves the clock: <see cref="Advance"/> runs every step that ends by then, and must be called up to the
/// present before <see cref="Submit"/> and <see cref="Cancel"/>. The events between two calls come in order; how many
/// steps lie behind them is the model's own affair. Not thread-safe. The same profile, seed and calls give the same
/// events. A broken invariant throws <see cref="InvariantException"/>.
/// </remarks>
public sealed class EngineModel
{
    private readonly bool _reportsTokens;
    private readonly CacheEventLog? _cacheEvents;
    private readonly Dictionary<long, Sequence> _byId = [];
    private readonly List<long> _finished = [];
    private EngineRecord _record;
    private IKvMemory _memory;
    private StepScheduler _scheduler;
    private Rng _rng;
    private Instant _now;
    private Instant? _stepEnd;

    /// <param name="profile">The kind of replica.</param>
    /// <param name="seed">Draws the jitter of the steps.</param>
    /// <param name="reportsTokens">
    /// False leaves out <see cref="EngineEventKind.Token"/>: all that is told of an answer is its first token and its
    /// end.
    /// </param>
    /// <param name="reportsCache">True records what <see cref="TakeCacheEvents"/> hands out.</param>
    /// <exception cref="ArgumentException">The profile has errors.</exception>
    public EngineModel(EngineProfile profile, ulong seed = 0, bool reportsTokens = true, bool reportsCache = false)
    {
        ArgumentNullException.ThrowIfNull(profile);
        if (profile.Errors() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join("; ", errors), nameof(profile));
        }

        Profile = profile;
        _rng = new Rng(seed);
        _reportsTokens = reportsTokens;
        _cacheEvents = reportsCache ? new CacheEventLog(profile.BlockSize) : null;
        Boot();
    }

    public EngineProfile Profile { get; }

    /// <summary>Steps that begin from now on take this many times as long: a replica that got slow.</summary>
    public double LatencyFactor { get; set; } = 1;

    /// <summary>When something happens next if nothing is submitted; null while idle.</summary>
    public Instant? NextStepEnd => _stepEnd;

    /// <summary>The counters of this moment.</summary>
    public EngineCounters Counters => new()
    {
        Running = _scheduler.RunningCount,
        Waiting = _scheduler.Waiting.Count,
        KvBlocksUsed = _memory.UsedCount,
        KvBlocks = _memory.Capacity,
        PrefixQueries = _record.PrefixQueries,
        PrefixHits = _record.PrefixHits,
        Preemptions = _record.Preemptions,
        PromptTokens = _record.PromptTokens,
        GenerationTokens = _record.GenerationTokens,
        Submitted = _record.Submitted,
        Finished = _record.Finished,
        Cancelled = _record.Cancelled,
        Steps = _record.Steps,
    };

    /// <summary>Hands a request to the engine. Its events come from <see cref="Advance"/>, with its id.</summary>
    public SubmitVerdict Submit(in EngineRequest request, Instant now)
    {
        Check.That(request.PromptTokens > 0 && request.OutputTokens > 0);
        MoveTo(now);
        if ((long)request.PromptTokens + request.OutputTokens > Profile.ModelLengthMax)
        {
            return SubmitVerdict.TooLong;
        }

        if (_scheduler.Waiting.Count >= Profile.WaitingMax)
        {
            return SubmitVerdict.QueueFull;
        }

        var sequence = new Sequence(request);
        Check.That(_byId.TryAdd(request.Id, sequence));
        _scheduler.Waiting.Append(sequence);
        _record.Submitted++;
        if (_stepEnd is null)
        {
            BeginStep(now);
        }

        return SubmitVerdict.Accepted;
    }

    /// <summary>
    /// Drops a request and frees its memory at once. A step under way still takes its time. False where it is not here
    /// any more.
    /// </summary>
    public bool Cancel(long requestId, Instant now)
    {
        MoveTo(now);
        if (!_byId.Remove(requestId, out var sequence))
        {
            return false;
        }

        Stamp(now);
        _scheduler.Drop(sequence);
        _record.Cancelled++;
        return true;
    }

    /// <summary>
    /// Runs every step that ends at or before <paramref name="until"/> and returns what happened, in order. The span
    /// is good until the next call of any method.
    /// </summary>
    public ReadOnlySpan<EngineEvent> Advance(Instant until)
    {
        while (_stepEnd is { } end && end <= until)
        {
            _now = end;
            EndStep(end);
            BeginStep(end);
        }

        MoveTo(until);
        return _record.HandOut();
    }

    /// <summary>
    /// What happened to the cache since the last call, in order; empty unless the model was made to report it. Slots
    /// have no such events. The span is good until the next call of any method, the events for as long as they are
    /// kept.
    /// </summary>
    public ReadOnlySpan<CacheEvent> TakeCacheEvents() => _cacheEvents is null ? [] : _cacheEvents.HandOut();

    /// <summary>Forgets all cached content; false, and nothing done, while requests hold memory.</summary>
    public bool TryClearCache(Instant now)
    {
        MoveTo(now);
        if (_memory.UsedCount > 0)
        {
            return false;
        }

        Stamp(now);
        _memory.Clear();
        return true;
    }

    /// <summary>
    /// The process dies and is there again: requests, cached content and totals are gone without an event, and so are
    /// events that were not fetched.
    /// </summary>
    public void Restart(Instant now)
    {
        MoveTo(now);
        _byId.Clear();
        _stepEnd = null;
        Boot();
    }

    /// <summary>Calls <paramref name="found"/> with the hash of every cached block. For tests.</summary>
    internal void VisitResident(Action<ulong> found) => _memory.VisitResident(found);

    /// <summary>Tokens at the start of a prompt with these blocks that are in the cache now.</summary>
    public int CachedTokens(ReadOnlySpan<ulong> chain) => _scheduler.CachedTokens(chain);

    /// <summary>Seconds from now to the first token of a request that comes now and has so many tokens to compute, if
    /// nothing else comes and memory does not run out.</summary>
    public double SecondsToPrefill(long tokens, Instant now)
    {
        var all = tokens + _scheduler.PrefillTokensLeft();
        var load = _scheduler.DecodeLoad();
        var room = Math.Max(1, Profile.BatchedTokensMax - load.Decoding);
        var steps = Math.DivRem(all, room, out var last);
        var ms = (steps * Profile.Step.Milliseconds(load.WithPrefill(room, 0)))
            + (last > 0 ? Profile.Step.Milliseconds(load.WithPrefill((int)last, 0)) : 0);
        return (_stepEnd is { } end ? (end - now).TotalSeconds : 0) + (ms * LatencyFactor / 1000);
    }

    /// <summary>Checks the whole of the memory's books. For tests.</summary>
    internal void Verify()
    {
        _memory.Verify();
        Check.That(_byId.Count == _scheduler.RunningCount + _scheduler.Waiting.Count);
    }

    [MemberNotNull(nameof(_record), nameof(_memory), nameof(_scheduler))]
    private void Boot()
    {
        _cacheEvents?.Forget();
        _record = new EngineRecord(_reportsTokens);
        _memory = Profile.Cache switch
        {
            CacheKind.Radix => new RadixMemory(Profile, _cacheEvents),
            CacheKind.Slots => new SlotMemory(Profile),
            _ => new PagedMemory(Profile, _cacheEvents),
        };
        _scheduler = new StepScheduler(Profile, _record, _memory);
    }

    private void Stamp(Instant at)
    {
        if (_cacheEvents is not null)
        {
            _cacheEvents.At = at;
            _cacheEvents.Step = _record.Steps;
        }
    }

    private void BeginStep(Instant at)
    {
        Stamp(at);
        if (_scheduler.Plan(at) is not { } load)
        {
            _stepEnd = null;
            return;
        }

        var ms = Profile.Step.Milliseconds(load) * LatencyFactor;
        if (Profile.Step.Jitter > 0)
        {
            ms *= 1 + (Profile.Step.Jitter * ((2 * _rng.NextDouble()) - 1));
        }

        _stepEnd = new Instant(at.Nanoseconds + Math.Max(1, (long)(ms * 1e6)));
    }

    private void EndStep(Instant at)
    {
        _record.Steps++;
        Stamp(at);
        _finished.Clear();
        _scheduler.Complete(at, _finished);
        foreach (var id in _finished)
        {
            Check.That(_byId.Remove(id));
        }

        Check.That(_record.Submitted == _record.Finished + _record.Cancelled + _byId.Count);
    }

    private void MoveTo(Instant now)
    {
        Check.That(now >= _now);
        Check.That(_stepEnd is null || now <= _stepEnd.Value);
        _now = now;
    }
}
