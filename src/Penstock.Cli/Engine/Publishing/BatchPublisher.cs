using System.Buffers;
using System.Text;
using System.Threading.Channels;
using Penstock.Core.Primitives;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>
/// The cache events of one engine as ZMQ messages, a batch for each step: sent to whoever subscribed, late, lost or out
/// of order where the faults say so, and again to whoever asks the replay socket. Numbers and the history are those of
/// a faultless engine. Thread-safe, but for <see cref="Publish"/>, whose caller is one at a time.
/// </summary>
internal sealed class BatchPublisher : ICacheEventSink, IAsyncDisposable
{
    private const int PendingMax = 100_000;

    /// <summary>How long a batch that is to be overtaken waits for the one that overtakes it.</summary>
    private static readonly TimeSpan OvertakenWithin = TimeSpan.FromMilliseconds(100);

    private readonly Channel<PendingBatch> _pending = Channel.CreateBounded<PendingBatch>(
        new BoundedChannelOptions(PendingMax) { SingleReader = true });

    private readonly CancellationTokenSource _ending = new();
    private readonly SimulatedEventOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<EngineFaults> _faults;
    private readonly byte[] _topic;
    private readonly BatchEncoder _encoder;
    private readonly BatchHistory _history;
    private readonly Task _pump;
    private Rng _rng;

    /// <exception cref="IOException">A port is taken.</exception>
    public BatchPublisher(
        SimulatedEventOptions options, int blockTokens, ulong seed, TimeProvider time, Func<EngineFaults> faults)
    {
        _options = options;
        _time = time;
        _faults = faults;
        _rng = new Rng(seed);
        _topic = Encoding.UTF8.GetBytes(options.Topic);
        _encoder = new BatchEncoder(options, blockTokens);
        _history = new BatchHistory(options.BufferBatches);
        Publisher = new EventSocket(
            EventEndpoint.Parse(options.Endpoint!, options.Rank)!, ZmtpSocketType.Pub, options.QueueMax);
        if (options.ReplayEndpoint is { } replay)
        {
            var endpoint = EventEndpoint.Parse(replay, options.Rank)! with { Binds = true };
            Replay = new EventSocket(endpoint, ZmtpSocketType.Router, options.QueueMax, ReplayAsync);
        }

        _pump = PumpAsync();
    }

    public EventSocket Publisher { get; }

    public EventSocket? Replay { get; }

    public void Publish(ReadOnlySpan<CacheEvent> events)
    {
        while (!events.IsEmpty)
        {
            var step = events[0].Step;
            var count = 1;
            while (count < events.Length && events[count].Step == step)
            {
                count++;
            }

            var faults = _faults();
            var now = _time.GetUtcNow();
            var batch = _history.Add(_encoder.Encode(events[..count], now));
            events = events[count..];

            // Every batch draws twice, so that one switch does not change what the other one hits.
            var isLost = _rng.NextDouble() < faults.EventLossRate;
            var isOvertaken = _rng.NextDouble() < faults.EventReorderRate;
            if (!isLost)
            {
                _pending.Writer.TryWrite(
                    new PendingBatch(batch, now.AddSeconds(faults.EventDelaySeconds), isOvertaken));
            }
        }
    }

    public void Restart()
    {
        _history.Restart();
        Publisher.CutAll();
        Replay?.CutAll();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _pump;
        await Publisher.DisposeAsync();
        if (Replay is not null)
        {
            await Replay.DisposeAsync();
        }

        _ending.Dispose();
    }

    private async Task PumpAsync()
    {
        try
        {
            EventBatch? overtaken = null;
            while (true)
            {
                if (overtaken is { } waiting && !await IsOvertakenAsync())
                {
                    Send(waiting);
                    overtaken = null;
                }

                var next = await _pending.Reader.ReadAsync(_ending.Token);
                if (next.Due - _time.GetUtcNow() is { Ticks: > 0 } early)
                {
                    await Task.Delay(early, _time, _ending.Token);
                }

                if (next.IsOvertaken && overtaken is null)
                {
                    overtaken = next.Batch;
                    continue;
                }

                Send(next.Batch);
                if (overtaken is { } late)
                {
                    Send(late);
                    overtaken = null;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The engine ends.
        }
    }

    private async Task<bool> IsOvertakenAsync()
    {
        var next = _pending.Reader.WaitToReadAsync(_ending.Token).AsTask();
        return await Task.WhenAny(next, Task.Delay(OvertakenWithin, _time, _ending.Token)) == next;
    }

    /// <summary>A batch of an earlier life died with it.</summary>
    private void Send(EventBatch batch)
    {
        if (batch.Life == _history.Life)
        {
            var message = new ArrayBufferWriter<byte>(batch.Payload.Length + 64);
            KvMessage.Write(message, _topic, batch.Number, batch.Payload.Span);
            Publisher.Broadcast(_topic, message.WrittenMemory);
        }
    }

    private async Task ReplayAsync(EventConnection connection, ZmtpPeer peer)
    {
        if (!KvReplay.TryReadRequest(peer, out var from))
        {
            return;
        }

        // With the topic since v0.26, which is about when events became maps.
        var hasTopic = _options.Dialect == KvDialect.VllmMaps;
        foreach (var batch in _history.From(from))
        {
            var message = new ArrayBufferWriter<byte>(batch.Payload.Length + 64);
            KvReplay.WriteBatch(message, hasTopic, _topic, batch.Number, batch.Payload.Span);
            await connection.SendAsync(message.WrittenMemory, _ending.Token);
        }

        var end = new ArrayBufferWriter<byte>();
        KvReplay.WriteEnd(end, hasTopic);
        await connection.SendAsync(end.WrittenMemory, _ending.Token);
    }

    /// <summary>A batch on its way out.</summary>
    private readonly record struct PendingBatch(EventBatch Batch, DateTimeOffset Due, bool IsOvertaken);
}
