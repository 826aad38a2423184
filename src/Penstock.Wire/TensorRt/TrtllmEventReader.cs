using System.Text.Json;

namespace Penstock.Wire.TensorRt;

/// <summary>
/// Reads the answers of <c>POST /kv_cache_events</c>, one whole document at a time, into buffers that it keeps. Not
/// thread-safe. Format: <c>KVCacheEventSerializer</c> in TensorRT-LLM's <c>_utils.py</c>, of both its caches.
/// </summary>
public sealed class TrtllmEventReader
{
    /// <summary>Entries above which a buffer is given up after a document, so that one burst is not held for ever.
    /// </summary>
    private const int KeptMax = 1 << 16;

    private readonly EventBuffers _buffers = new();

    /// <summary>Shows each event of <paramref name="document"/> to <paramref name="visitor"/>.</summary>
    /// <returns>True: the whole document was read. False: it is no list, or it breaks off or goes wrong somewhere;
    /// the events before that were shown.</returns>
    public bool Read(ReadOnlySpan<byte> document, ITrtllmEventVisitor visitor)
    {
        var json = new Utf8JsonReader(document);
        try
        {
            if (!json.Read() || json.TokenType != JsonTokenType.StartArray)
            {
                return false;
            }

            while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            {
                ReadEvent(ref json, visitor);
            }

            // Nothing may follow; the reader throws where something does.
            return !json.Read();
        }
        catch (JsonException)
        {
            return false;
        }
        finally
        {
            _buffers.Trim(KeptMax);
        }
    }

    private void ReadEvent(ref Utf8JsonReader json, ITrtllmEventVisitor visitor)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        _buffers.Clear();
        long? id = null;
        var (window, rank, data) = (0L, 0L, default(EventData));
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.Is("event_id"u8))
            {
                id = json.ReadCount();
            }
            else if (json.Is("window_size"u8))
            {
                window = json.ReadCount() ?? 0;
            }
            else if (json.Is("attention_dp_rank"u8))
            {
                rank = json.ReadCount() ?? 0;
            }
            else if (json.Is("data"u8))
            {
                data = ReadData(ref json);
            }
            else
            {
                json.SkipValue();
            }
        }

        if (id is { } number)
        {
            visitor.Visit(_buffers.EventOf(number, (int)Math.Min(rank, int.MaxValue), window, data));
        }
    }

    private EventData ReadData(ref Utf8JsonReader json)
    {
        var data = default(EventData);
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return data;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.Is("type"u8))
            {
                data = data with { Kind = ReadKind(ref json) };
            }
            else if (json.Is("parent_hash"u8))
            {
                data = data with { Parent = json.ReadHash() };
            }
            else if (json.Is("blocks"u8))
            {
                ReadBlocks(ref json);
            }
            else if (json.Is("block_hashes"u8))
            {
                ReadHashes(ref json);
            }
            else if (json.Is("block_hash"u8))
            {
                AddHash(json.ReadHash());
            }
            else if (json.Is("cache_level"u8))
            {
                data = data with { NewLevel = ReadNewLevel(ref json) };
            }
            else if (json.Is("num_blocks_per_cache_level"u8))
            {
                ReadLevels(ref json);
            }
            else
            {
                json.SkipValue();
            }
        }

        return data;
    }

    private static TrtllmEventKind ReadKind(ref Utf8JsonReader json)
    {
        json.Read();
        var kind = json.TokenType != JsonTokenType.String ? TrtllmEventKind.Other
            : json.Is("stored"u8) ? TrtllmEventKind.Stored
            : json.Is("removed"u8) ? TrtllmEventKind.Removed
            : json.Is("updated"u8) ? TrtllmEventKind.Updated
            : json.Is("created"u8) ? TrtllmEventKind.Created
            : TrtllmEventKind.Other;
        json.Skip();
        return kind;
    }

    private void ReadBlocks(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType == JsonTokenType.StartObject)
            {
                ReadBlock(ref json);
            }
            else
            {
                json.Skip();
            }
        }
    }

    private void ReadBlock(ref Utf8JsonReader json)
    {
        var start = _buffers.TokenCount;
        ulong? hash = null;
        var (level, isPrivate) = (0L, false);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.Is("block_hash"u8))
            {
                hash = json.ReadHash();
            }
            else if (json.Is("tokens"u8))
            {
                isPrivate |= !TrtllmTokens.Read(ref json, _buffers);
            }
            else if (json.Is("cache_level"u8))
            {
                level = json.ReadCount() ?? 0;
            }
            else if (json.Is("cache_salt"u8) || json.Is("mm_keys"u8)
                || json.Is("lora_id"u8))
            {
                isPrivate |= json.ReadIsSet();
            }
            else
            {
                json.SkipValue();
            }
        }

        if (hash is { } name)
        {
            var count = _buffers.TokenCount - start;
            _buffers.Add(new TrtllmBlock(name, start, count, (int)Math.Min(level, byte.MaxValue), isPrivate));
        }
    }

    private void ReadHashes(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            AddHash(json.HashHere());
            json.Skip();
        }
    }

    private void AddHash(ulong? hash)
    {
        if (hash is { } name)
        {
            _buffers.Add(name);
        }
    }

    private void ReadLevels(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            _buffers.AddLevel(json.CountHere() ?? 0);
            json.Skip();
        }
    }

    /// <summary><c>{"type":"event_diff","new_value":1,"old_value":0}</c>.</summary>
    private static int? ReadNewLevel(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return null;
        }

        long? level = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.Is("new_value"u8))
            {
                level = json.ReadCount();
            }
            else
            {
                json.SkipValue();
            }
        }

        return level is { } told ? (int)Math.Min(told, byte.MaxValue) : null;
    }
}
