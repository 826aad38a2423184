using System.Text.Json;
using Penstock.Core.Primitives;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;
using Penstock.Wire.KvEvents;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>Everything that one engine publishes of its own accord. Thread-safe.</summary>
internal sealed class EnginePublishing : IAsyncDisposable
{
    private readonly SimulatedEventOptions _options;
    private readonly BatchPublisher? _batches;
    private readonly LoadPublisher? _load;

    /// <exception cref="IOException">A port is taken.</exception>
    public EnginePublishing(
        SimulatedEventOptions options, EngineProfile profile, ulong seed, TimeProvider time, Func<EngineFaults> faults)
    {
        _options = options;
        if (options.Endpoint is not null)
        {
            _batches = new BatchPublisher(options, profile.BlockSize, Hash64.Combine(seed, 2), time, faults);
        }

        if (options.LoadEndpoint is not null)
        {
            _load = new LoadPublisher(options, profile, time);
        }
    }

    /// <summary>Where cache events go; null where none are published.</summary>
    public ICacheEventSink? Events => _batches;

    public SimulatedEventAddresses Addresses => new(
        Url(_batches?.Publisher), Url(_batches?.Replay), Url(_load?.Socket), _batches?.Publisher.Dropped ?? 0);

    /// <summary>The counters of this moment.</summary>
    public void Update(in EngineCounters now) => _load?.Update(now);

    /// <summary>The engine's process died and is there again.</summary>
    public void Restart()
    {
        _batches?.Restart();
        _load?.Restart();
    }

    /// <summary>Writes SGLang's <c>kv_events</c>: hosts as they were configured, ports of rank 0.</summary>
    public void DescribeTo(Utf8JsonWriter json, int blockTokens)
    {
        if (_batches is null)
        {
            return;
        }

        json.WriteStartObject("kv_events"u8);
        json.WriteString("publisher"u8, "zmq"u8);
        json.WriteString("endpoint_host"u8, EventEndpoint.Parse(_options.Endpoint!, _options.Rank)!.Host);
        json.WriteNumber("endpoint_port_base"u8, _batches.Publisher.Address.Port - _options.Rank);
        json.WriteString("topic"u8, _options.Topic);
        json.WriteNumber("block_size"u8, blockTokens);
        json.WriteNumber("dp_size"u8, 1);
        if (_load is not null)
        {
            json.WriteNumber("load_endpoint_port_base"u8, _load.Socket.Address.Port - _options.Rank);
            json.WriteString("load_topic"u8, KvLoad.Topic);
        }

        json.WriteEndObject();
    }

    public async ValueTask DisposeAsync()
    {
        if (_batches is not null)
        {
            await _batches.DisposeAsync();
        }

        if (_load is not null)
        {
            await _load.DisposeAsync();
        }
    }

    private static string? Url(EventSocket? socket) => socket is null ? null : $"tcp://{socket.Address}";
}
