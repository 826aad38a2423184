using System.Buffers;
using Penstock.Simulator.Replicas;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>SGLang's pushed load: a message when it changes and once a second. Thread-safe.</summary>
internal sealed class LoadPublisher : IAsyncDisposable
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private readonly int _blockTokens;
    private KvLoad _load;
    private ulong _next;

    /// <exception cref="IOException">The port is taken.</exception>
    public LoadPublisher(SimulatedEventOptions options, EngineProfile profile, TimeProvider time)
    {
        _blockTokens = profile.BlockSize;
        _load = new KvLoad(0, 0, 0, profile.KvTokens, options.Rank);
        Socket = new EventSocket(
            EventEndpoint.Parse(options.LoadEndpoint!, options.Rank)!, ZmtpSocketType.Pub, options.QueueMax);
        _timer = time.CreateTimer(static state => ((LoadPublisher)state!).Beat(), this, Heartbeat, Heartbeat);
    }

    public EventSocket Socket { get; }

    /// <summary>The counters of this moment; told where they differ from the last ones.</summary>
    public void Update(in EngineCounters now)
    {
        lock (_gate)
        {
            var load = _load with
            {
                Running = now.Running,
                Waiting = now.Waiting,
                Tokens = (long)now.KvBlocksUsed * _blockTokens,
            };
            if (load != _load)
            {
                _load = load;
                Send();
            }
        }
    }

    /// <summary>A new process counts from 0.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            _next = 0;
        }

        Socket.CutAll();
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await Socket.DisposeAsync();
    }

    private void Beat()
    {
        lock (_gate)
        {
            Send();
        }
    }

    private void Send()
    {
        ArrayBufferWriter<byte> payload = new();
        _load.Write(payload);
        ArrayBufferWriter<byte> message = new();
        KvMessage.Write(message, KvLoad.Topic, _next++, payload.WrittenSpan);
        Socket.Broadcast(KvLoad.Topic, message.WrittenMemory);
    }
}
