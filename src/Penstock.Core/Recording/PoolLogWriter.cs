using System.Buffers;
using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;
using Penstock.Core.Routing;

namespace Penstock.Core.Recording;

/// <summary>Where the payloads of a log go. Called under the pool's lock: copies what it is given, and never waits.
/// </summary>
public interface ILogSink
{
    /// <summary>Bytes that it would take now.</summary>
    long Room { get; }

    /// <summary>A new log begins with this payload; what was begun before is complete.</summary>
    void Begin(ReadOnlySpan<byte> header);

    /// <summary>The next payload of the log.</summary>
    void Append(ReadOnlySpan<byte> payload);

    /// <summary>Nothing more will come.</summary>
    void End();
}

/// <summary>
/// Records one pool from the moment its router is made, in logs of bounded size. Each log but the first begins with a
/// checkpoint of the router, so that it can be replayed without those before it.
/// </summary>
/// <remarks>
/// Where the sink has no room the rest of a log is given up, and a new one begins with the first event for which there
/// is room again. A checkpoint is copied under the pool's lock, at the speed of memory; a log is therefore never
/// smaller than four times the state it begins with.
/// </remarks>
public sealed class PoolLogWriter : IPoolRecorder
{
    /// <summary>Records are handed on when they come to so many bytes.</summary>
    public const int ChunkBytes = 64 * 1024;

    private readonly ILogSink _sink;
    private readonly ArrayBufferWriter<byte> _chunk = new(ChunkBytes * 2);
    private readonly PoolLogEncoder _encoder;
    private readonly long _logBytesMax;
    private readonly Func<long> _nowTicks;
    private PoolRouter _router;
    private PoolLogHeader _header;
    private long _logBytes;
    private long _checkpointBytes;

    /// <param name="router">A router that nothing has happened to yet.</param>
    /// <param name="header">What every log begins with.</param>
    /// <param name="sink">Takes the payloads.</param>
    /// <param name="logBytesMax">A log that is larger ends at the next event.</param>
    /// <param name="nowTicks">The wall clock, in .NET ticks of UTC, for the headers.</param>
    public PoolLogWriter(
        PoolRouter router, PoolLogHeader header, ILogSink sink, long logBytesMax, Func<long> nowTicks)
    {
        _router = router;
        _header = header;
        _sink = sink;
        _logBytesMax = logBytesMax;
        _nowTicks = nowTicks;
        _encoder = new PoolLogEncoder(_chunk);
        Begin([]);
    }

    /// <summary>Logs that had to be given up because the sink had no room.</summary>
    public long Gaps { get; private set; }

    /// <summary>True while nothing is recorded, for lack of room.</summary>
    public bool IsBroken { get; private set; }

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
        if (IsBroken || _logBytes > Math.Max(_logBytesMax, 4 * _checkpointBytes))
        {
            BeginFromHere();
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
        if (_chunk.WrittenCount == 0)
        {
            return;
        }

        if (_chunk.WrittenCount > _sink.Room)
        {
            GiveUp();
        }
        else
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
        BeginFromHere();
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

    private void BeginFromHere()
    {
        if (!IsBroken)
        {
            Flush();
        }

        if (_sink.Room < _checkpointBytes + (4 * ChunkBytes))
        {
            GiveUp();
            return;
        }

        var state = new ArrayBufferWriter<byte>(1 << 20);
        _router.Save(new StateWriter(state));
        if (state.WrittenCount > _sink.Room)
        {
            _checkpointBytes = state.WrittenCount;
            GiveUp();
            return;
        }

        Begin(state.WrittenSpan);
    }

    private void GiveUp()
    {
        Gaps += IsBroken ? 0 : 1;
        IsBroken = true;
    }

    private void Begin(ReadOnlySpan<byte> checkpoint)
    {
        var header = _header with { HasCheckpoint = !checkpoint.IsEmpty, StartedTicks = _nowTicks() };
        header.Write(_chunk);
        _sink.Begin(_chunk.WrittenSpan);
        _chunk.ResetWrittenCount();
        if (!checkpoint.IsEmpty)
        {
            _sink.Append(checkpoint);
        }

        _encoder.Begin();
        _checkpointBytes = checkpoint.Length;
        _logBytes = checkpoint.Length;
        IsBroken = false;
    }
}
