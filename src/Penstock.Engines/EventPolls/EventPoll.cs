using Penstock.Engines.Probing;
using Penstock.Engines.Watching;
using Penstock.Wire.TensorRt;

namespace Penstock.Engines.EventPolls;

/// <summary>What a poll has done so far, for metrics.</summary>
/// <param name="Questions">How often the engine was asked.</param>
/// <param name="Events">Events passed on.</param>
/// <param name="Lost">Events that never came, told by gaps in their numbers.</param>
/// <param name="Restarts">Times that the engine began anew.</param>
/// <param name="Broken">Answers that broke off, made no sense, were too large, or were refusals.</param>
public readonly record struct EventPollCounts(long Questions, long Events, long Lost, long Restarts, long Broken);

/// <summary>
/// Asks one replica for the events of its cache, one question at a time, at the pace of <see cref="EventPace"/>, and
/// only while it is known to hand them out that way and may get requests. Each event is given out once: only one poll
/// may ask an engine, in the whole fleet, and a second one shows as lost events on both. Safe from any thread; the
/// sink is called from the loop alone. Dispose stops the loop and waits for its end.
/// </summary>
public sealed class EventPoll(ReplicaWatch replica, IKvEventSink sink, TimeProvider time) : IAsyncDisposable
{
    private const string Path = "/kv_cache_events";

    /// <summary>
    /// Events carry every token of a block as an object of its own, about 60 bytes each: this is a burst of half a
    /// million tokens. Builds before 1.2 wait up to two seconds after the last event before they answer.
    /// </summary>
    internal static readonly EngineClientLimits Limits =
        new() { BodyBytesMax = 32 * 1024 * 1024, Call = TimeSpan.FromSeconds(10) };

    private readonly Pause _pause = new(time);
    private readonly CancellationTokenSource _stop = new();
    private readonly TrtllmEventReader _reader = new();
    private readonly EventOrder _order = new(sink);
    private readonly Lock _lock = new();
    private Task _loop = Task.CompletedTask;
    private EventPace _pace = EventPace.Start;
    private EventPollCounts _counts;

    /// <summary>What was done so far; all of one moment.</summary>
    public EventPollCounts Counts
    {
        get
        {
            lock (_lock)
            {
                return _counts;
            }
        }
    }

    /// <summary>Begins to ask. Call once.</summary>
    public void Start() => _loop = RunAsync(_stop.Token);

    /// <summary>Asks soon: a request went to the replica, or ended there, and its cache changes.</summary>
    public void AskSoon()
    {
        if (_pace.Interval > EventPace.Shortest)
        {
            _pause.Wake();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var woken = await _pause.WaitAsync(_pace.Interval, stop);
            if (replica.Identity is { KvEvents.Channel: KvEventChannel.HttpDrain } identity
                && replica.Health.IsRoutable)
            {
                // Who was woken looks often for a while: the first events come when the prompt has been computed.
                _pace = (woken ? EventPace.Start : _pace).After(await AskAsync(identity, stop));
            }
            else
            {
                // There is nothing to ask: no need to look often whether there is.
                _pace = _pace.After(any: false);
            }
        }
    }

    /// <returns>True: some event came.</returns>
    private async Task<bool> AskAsync(EngineIdentity identity, CancellationToken stop)
    {
        try
        {
            var answer = await replica.Client.DrainAsync(
                identity.Adapter, replica.Replica.Endpoint, Path, Limits, stop);
            return Take(answer);
        }
        catch (Exception bug) when (!stop.IsCancellationRequested)
        {
            replica.TellFault(bug);
            return false;
        }
    }

    private bool Take(EngineAnswer answer)
    {
        var before = _order.Events;
        _order.BeginAnswer();

        // What was in an answer that broke off is gone; the numbers of the next events will show it.
        var whole = answer.IsOk && _reader.Read(answer.Body.Span, _order);
        lock (_lock)
        {
            _counts = new EventPollCounts(
                _counts.Questions + 1, _order.Events, _order.LostEvents, _order.Restarts,
                _counts.Broken + (whole ? 0 : 1));
        }

        return _order.Events > before;
    }
}
