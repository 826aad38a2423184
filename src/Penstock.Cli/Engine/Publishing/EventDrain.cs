using System.Text.Json;
using Penstock.Core.Primitives;
using Penstock.Simulator.Faults;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Publishing;

/// <summary>
/// TensorRT-LLM's cache events: kept until somebody asks, and told once. The oldest are lost where too many wait.
/// Thread-safe.
/// </summary>
internal sealed class EventDrain : ICacheEventSink
{
    /// <summary>Events that wait at most.</summary>
    public const int EventsMax = 16_384;

    private readonly Lock _gate = new();
    private readonly Queue<(long Id, CacheEvent? Happened)> _waiting = [];
    private readonly EngineProfile _profile;
    private readonly Func<EngineFaults> _faults;
    private Rng _rng;
    private long _next;

    public EventDrain(EngineProfile profile, ulong seed, Func<EngineFaults> faults)
    {
        _profile = profile;
        _faults = faults;
        _rng = new Rng(seed);
        Add(null);
    }

    public void Publish(ReadOnlySpan<CacheEvent> events)
    {
        lock (_gate)
        {
            foreach (var happened in events)
            {
                Add(happened);
            }
        }
    }

    /// <summary>A new process begins with the event that says how many blocks it has.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            _waiting.Clear();
            _next = 0;
            Add(null);
        }
    }

    /// <summary>Writes everything that waits, which is then gone.</summary>
    public void DrainTo(Utf8JsonWriter json)
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out var told))
            {
                json.WriteStartObject();
                json.WriteNumber("event_id"u8, told.Id);
                json.WriteStartObject("data"u8);
                if (told.Happened is { } happened)
                {
                    Write(json, happened);
                }
                else
                {
                    WriteCreated(json);
                }

                json.WriteEndObject();
                json.WriteNumber("window_size"u8, _profile.ModelLengthMax);
                json.WriteEndObject();
            }
        }
    }

    private void Add(CacheEvent? happened)
    {
        var id = _next++;
        if (happened is not null && _rng.NextDouble() < _faults().EventLossRate)
        {
            return;
        }

        if (_waiting.Count == EventsMax)
        {
            _waiting.Dequeue();
        }

        _waiting.Enqueue((id, happened));
    }

    private void WriteCreated(Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "created"u8);
        json.WriteStartArray("num_blocks_per_cache_level"u8);
        json.WriteNumberValue(_profile.KvBlocks);
        json.WriteNumberValue(0);
        json.WriteEndArray();
    }

    private void Write(Utf8JsonWriter json, in CacheEvent told)
    {
        if (told.Kind != CacheEventKind.Stored)
        {
            json.WriteString("type"u8, "removed"u8);
            json.WriteStartArray("block_hashes"u8);
            foreach (var hash in told.Hashes.Span)
            {
                json.WriteNumberValue(hash);
            }

            json.WriteEndArray();
            return;
        }

        json.WriteString("type"u8, "stored"u8);
        if (told.Parent is { } parent)
        {
            json.WriteNumber("parent_hash"u8, parent);
        }
        else
        {
            json.WriteNull("parent_hash"u8);
        }

        json.WriteStartArray("blocks"u8);
        for (var at = 0; at < told.Hashes.Length; at++)
        {
            WriteBlock(json, told, at);
        }

        json.WriteEndArray();
    }

    private void WriteBlock(Utf8JsonWriter json, in CacheEvent told, int at)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "stored_block"u8);
        json.WriteNumber("block_hash"u8, told.Hashes.Span[at]);
        json.WriteStartArray("tokens"u8);
        foreach (var token in told.Tokens.Span.Slice(at * _profile.BlockSize, _profile.BlockSize))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "unique_token"u8);
            json.WriteNumber("token_id"u8, token);
            json.WriteNumber("token_extra_id"u8, 0);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("cache_level"u8, 0);
        json.WriteNumber("priority"u8, 35);
        json.WriteEndObject();
    }
}
