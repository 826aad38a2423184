using System.Buffers;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>Where the logs of one pool go. Called under the pool's lock: never waits.</summary>
public interface ILogSink
{
    /// <summary>Bytes that one log may come to, with the state that it begins with.</summary>
    long LogBytesMax { get; }

    /// <summary>Whether a log that begins with a state of so many bytes can begin now.</summary>
    bool CanBegin(long stateBytes);

    /// <summary>Whether the log at hand can go on with so many bytes more. Once part of it could not be written it
    /// cannot, until the next begins.</summary>
    bool CanTake(long bytes);

    /// <summary>A new log begins; what was begun before is complete. The header is copied; the state, null for none, is
    /// the sink's from now on.</summary>
    void Begin(ReadOnlySpan<byte> header, LogState? state);

    /// <summary>The next payload of the log, which is copied.</summary>
    void Append(ReadOnlySpan<byte> payload);

    /// <summary>The sink could not take what comes now: the rest of the log is lost, and what follows begins a new one.
    /// </summary>
    void GiveUp();

    /// <summary>Nothing more will come.</summary>
    void End();
}

/// <summary>One moment, on the two clocks of a log.</summary>
/// <param name="UtcTicks">Wall-clock time, in .NET ticks of UTC.</param>
/// <param name="At">As the records have it.</param>
public readonly record struct LogTime(long UtcTicks, Instant At);

/// <summary>
/// Records one pool from the moment its router is made, in logs of bounded size. Each log but the first begins with a
/// checkpoint of the router, so that it can be replayed without those before it.
/// </summary>
/// <remarks>
/// Where the sink cannot take more the rest of a log is given up, and a new one begins with the first event for which
/// the sink is ready again. A checkpoint is copied once under the pool's lock, at the speed of memory; a log is
/// therefore four times the state it begins with, where it may come to that.
/// </remarks>
public sealed class PoolLogWriter : IPoolRecorder
{
    /// <summary>Records are handed on when they come to so many bytes.</summary>
    public const int ChunkBytes = 64 * 1024;

    private readonly ILogSink _sink;
    private readonly ArrayBufferWriter<byte> _chunk = new(ChunkBytes * 2);
    private readonly PoolLogEncoder _encoder;
    private readonly Func<LogTime> _now;
    private PoolRouter _router;
    private PoolLogHeader _header;
    private long _logBytes;
    private long _stateBytes;

    /// <param name="router">A router that nothing has happened to yet.</param>
    /// <param name="header">What every log begins with.</param>
    /// <param name="sink">Takes the payloads.</param>
    /// <param name="now">The time, for the headers.</param>
    public PoolLogWriter(PoolRouter router, PoolLogHeader header, ILogSink sink, Func<LogTime> now)
    {
        _router = router;
        _header = header;
        _sink = sink;
        _now = now;
        _encoder = new PoolLogEncoder(_chunk);
        if (sink.CanBegin(0))
        {
            Begin(null);
        }
        else
        {
            GiveUp();
        }
    }

    /// <summary>True while nothing is recorded.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Bytes of a log after which the next one begins.</summary>
    private long LogBytes => Math.Min(Math.Max(_sink.LogBytesMax / 8, 4 * _stateBytes), _sink.LogBytesMax);

    public void Decided(in RouteRequest request, in RouteDecision decision, ReadOnlySpan<Candidate> candidates)
    {
        if (!IsBroken)
        {
            _encoder.Decided(in request, in decision, candidates);
            HandOnIfFull();
        }
    }

    public void Dispatched(RouteTicket ticket)
    {
        if (!IsBroken)
        {
            _encoder.Dispatched(ticket);
        }
    }

    public void Happened(in PoolEvent happened, in PromptPrefix prompt)
    {
        if ((IsBroken || _logBytes > LogBytes) && !TryBeginFromHere() && _logBytes > _sink.LogBytesMax)
        {
            GiveUp();
        }

        if (!IsBroken)
        {
            _encoder.Happened(in happened, in prompt);
            HandOnIfFull();
        }
    }

    /// <summary>Hands on what there is.</summary>
    public void Flush()
    {
        if (!_sink.CanTake(_chunk.WrittenCount))
        {
            GiveUp();
        }

        if (!IsBroken && _chunk.WrittenCount > 0)
        {
            _sink.Append(_chunk.WrittenSpan);
            _logBytes += _chunk.WrittenCount;
        }

        _chunk.ResetWrittenCount();
    }

    /// <summary>Goes on with another policy or other names, in a new log that begins with all that is known. The pool's
    /// options are the same.</summary>
    public void Continue(PoolRouter router, PoolLogHeader header)
    {
        Check.That(header.Options == _header.Options);
        _router.Recorder = null;
        Flush();
        _router = router;
        _header = header;
        _router.Recorder = this;
        if (!TryBeginFromHere())
        {
            GiveUp();
        }
    }

    /// <summary>Hands on what there is and ends the log: nothing is recorded from now on.</summary>
    public void End()
    {
        Flush();
        _router.Recorder = null;
        _sink.End();
    }

    private void HandOnIfFull()
    {
        if (_chunk.WrittenCount >= ChunkBytes)
        {
            Flush();
        }
    }

    /// <summary>Begins a log with all that is known now. Where it cannot, the one at hand is as it was.</summary>
    private bool TryBeginFromHere()
    {
        // Of the last state, so that one that is too large is not made again and again.
        if (!_sink.CanBegin(_stateBytes))
        {
            return false;
        }

        var state = new LogState();
        _router.Save(new StateWriter(state));
        _stateBytes = state.Bytes;
        if (!_sink.CanBegin(_stateBytes))
        {
            state.Release();
            return false;
        }

        Flush();
        Begin(state);
        return true;
    }

    private void GiveUp()
    {
        if (!IsBroken)
        {
            IsBroken = true;
            _sink.GiveUp();
        }
    }

    private void Begin(LogState? state)
    {
        var (ticks, at) = _now();
        var header = _header with { StateBytes = state?.Bytes ?? 0, StartedTicks = ticks, StartedAt = at };
        header.Write(_chunk);
        _sink.Begin(_chunk.WrittenSpan, state);
        _chunk.ResetWrittenCount();
        _encoder.Begin();
        _stateBytes = header.StateBytes;
        _logBytes = header.StateBytes;
        IsBroken = false;
    }
}
