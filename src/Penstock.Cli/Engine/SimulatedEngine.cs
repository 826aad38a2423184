using System.Globalization;
using Penstock.Cli.Engine.Calls;
using Penstock.Cli.Engine.Kinds;
using Penstock.Cli.Engine.Publishing;
using Penstock.Core.Primitives;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;
using Penstock.Simulator.Texts;

namespace Penstock.Cli.Engine;

/// <summary>One simulated engine that serves requests in real time. Thread-safe.</summary>
internal sealed class SimulatedEngine : IAsyncDisposable
{
    private readonly Lock _drawing = new();
    private readonly ICacheEventSink? _events;
    private readonly EngineClock _clock;
    private volatile EngineFaults _faults;
    private Rng _rng;
    private long _answers;
    private long _toldIteration;

    /// <exception cref="ArgumentException">The options cannot be used.</exception>
    /// <exception cref="IOException">A port to publish on is taken.</exception>
    public SimulatedEngine(SimulatedEngineOptions options, TimeProvider time)
    {
        if (options.Models.IsDefaultOrEmpty)
        {
            throw new ArgumentException("an engine needs a model name", nameof(options));
        }

        if (options.TimeScale is not (> 0 and <= 1e6))
        {
            throw new ArgumentException("time scale must be above 0 and at most 1000000", nameof(options));
        }

        if (options.StreamInterval < 1)
        {
            throw new ArgumentException("stream interval must be at least 1", nameof(options));
        }

        if (options.Events?.Errors() is { Count: > 0 } errors)
        {
            throw new ArgumentException(string.Join("; ", errors), nameof(options));
        }

        Options = options;
        Time = time;
        StartedAt = time.GetUtcNow();
        Kind = EngineKind.Of(options.Kind);
        Profile = EngineShape.Of(options);
        _rng = new Rng(Hash64.Combine(options.Seed, 1));
        _faults = options.Faults;
        var drains = options.Kind == SimulatedEngineKind.Trtllm;
        var model = new EngineModel(
            Profile, options.Seed, reportsCache: drains || options.Events?.Endpoint is not null);
        Drain = drains ? new EventDrain(Profile, Hash64.Combine(options.Seed, 3), () => _faults) : null;
        Publishing = options.Events is { } wanted
            ? new EnginePublishing(wanted, Profile, options.Seed, time, () => _faults)
            : null;
        _events = Drain is null ? Publishing?.Events : Drain;
        _clock = new EngineClock(model, time, options.TimeScale, Tell);
        Faults = options.Faults;
    }

    public SimulatedEngineOptions Options { get; }

    public EngineKind Kind { get; }

    /// <summary>The profile of the options with the memory that the kind makes of it.</summary>
    public EngineProfile Profile { get; }

    /// <summary>What it publishes over ZMQ; null: nothing.</summary>
    public EnginePublishing? Publishing { get; }

    /// <summary>Cache events that wait to be fetched; null where the kind has no such page.</summary>
    public EventDrain? Drain { get; }

    public TimeProvider Time { get; }

    public DateTimeOffset StartedAt { get; }

    public EngineCounters Counters => _clock.Counters;

    /// <summary>How the engine misbehaves from now on.</summary>
    /// <exception cref="ArgumentException">The faults have errors.</exception>
    public EngineFaults Faults
    {
        get => _faults;
        set
        {
            if (value.Errors() is { Count: > 0 } errors)
            {
                throw new ArgumentException(string.Join("; ", errors), nameof(value));
            }

            _faults = value;
            _clock.LatencyFactor = value.LatencyFactor;
        }
    }

    /// <summary>What is wrong with a call before the engine sees it; null where nothing is.</summary>
    public EngineError? Refuse(InferenceCall call)
    {
        if (call.Model is { } model && !Options.Serves(model))
        {
            return EngineError.UnknownModel(model);
        }

        return call.Prompt.Count >= Profile.ModelLengthMax
            ? EngineError.TooLong(Profile.ModelLengthMax, call.Prompt.Count)
            : null;
    }

    /// <summary>Plans the answer; its length is bounded by the room that the prompt leaves in the window.</summary>
    public PlannedAnswer Plan(InferenceCall call) =>
        call.Plan(Profile, Options.Seed, Profile.ModelLengthMax - call.Prompt.Count);

    /// <summary>What befalls a request with that answer.</summary>
    public RequestFate DrawFate(PlannedAnswer answer)
    {
        lock (_drawing)
        {
            return _faults.Draw(answer.Tokens, ref _rng);
        }
    }

    /// <summary>An id for an answer, the same in every run with the same seed.</summary>
    public string NextAnswerId()
    {
        var number = (ulong)Interlocked.Increment(ref _answers);
        var id = Hash64.Combine(Hash64.Combine(Options.Seed, (ulong)StartedAt.UtcTicks), number);
        return id.ToString("x16", CultureInfo.InvariantCulture);
    }

    public SubmitVerdict Submit(InferenceCall call, PlannedAnswer answer, out AnswerFeed feed)
    {
        var tokens = call.Prompt.With(answer);
        var request = new EngineRequest(
            0,
            call.Prompt.Count,
            answer.Tokens,
            PromptChain.Of(tokens, Profile.BlockSize, call.Prompt.Salt),
            _events is null ? default : tokens);
        return _clock.Submit(request, out feed);
    }

    public void Cancel(AnswerFeed feed) => _clock.Cancel(feed);

    /// <summary>Forgets all cached content; false, and nothing done, while requests hold memory.</summary>
    public bool TryClearCache() => _clock.TryClearCache();

    /// <summary>
    /// The process dies and is there again: answers are cut, the cache is empty, totals and the numbers of what it
    /// publishes begin anew. It keeps its faults.
    /// </summary>
    public void Restart() => _clock.Restart(() =>
    {
        Drain?.Restart();
        Publishing?.Restart();
    });

    /// <summary>True once for each iteration.</summary>
    public bool IsNewIteration(long steps) => steps > 0 && Interlocked.Exchange(ref _toldIteration, steps) != steps;

    public string WriteMetrics()
    {
        var text = "";
        _clock.Read((counters, metrics) => text = metrics.Write(Options.Models[0], Profile, counters));
        return text;
    }

    public async ValueTask DisposeAsync()
    {
        _clock.Dispose();
        if (Publishing is not null)
        {
            await Publishing.DisposeAsync();
        }
    }

    private void Tell(EngineModel model)
    {
        var events = model.TakeCacheEvents();
        if (!events.IsEmpty)
        {
            _events?.Publish(events);
        }

        Publishing?.Update(model.Counters);
    }
}
