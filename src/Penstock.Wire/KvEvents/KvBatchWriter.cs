using System.Buffers;
using Penstock.Core.KvSync;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// Writes batches of cache events as an engine does, for whoever plays one. Call <see cref="Begin"/>, then
/// <see cref="Write"/> as often as announced, then <see cref="End"/>. Allocates nothing. A span of an event that a
/// dialect has no place for is left out.
/// </summary>
public readonly ref struct KvBatchWriter(IBufferWriter<byte> output, KvDialect dialect, KvHashForm form)
{
    private readonly MessagePackWriter _pack = new(output);
    private readonly KvDialect _dialect = dialect;
    private readonly EventValues _values =
        new(new MessagePackWriter(output), dialect is KvDialect.VllmArrays or KvDialect.VllmMaps, form);

    private bool IsMap => _dialect is KvDialect.VllmMaps or KvDialect.SglangMaps;

    private bool IsVllm => _dialect is KvDialect.VllmArrays or KvDialect.VllmMaps;

    /// <param name="timestamp">Seconds since 1970.</param>
    /// <param name="events">How many events follow.</param>
    /// <param name="rank">What <see cref="End"/> will be told.</param>
    public void Begin(double timestamp, int events, int? rank)
    {
        // vLLM leaves a rank out that there is not; SGLang writes nil.
        _pack.Array(rank is null && IsVllm ? 2 : 3);
        _pack.Double(timestamp);
        _pack.Array(events);
    }

    /// <summary>One event.</summary>
    public void Write(in KvEvent e)
    {
        switch (e.Kind)
        {
            case KvEventKind.Stored when IsMap:
                StoredMap(in e);
                break;
            case KvEventKind.Stored:
                StoredArray(in e);
                break;
            case KvEventKind.Removed:
                Removed(in e);
                break;
            default:
                Head(1, "AllBlocksCleared"u8);
                break;
        }
    }

    /// <summary>The end of the batch.</summary>
    public void End(int? rank)
    {
        if (rank is not null)
        {
            _pack.Int64(rank.Value);
        }
        else if (!IsVllm)
        {
            _pack.Nil();
        }
    }

    private void StoredArray(in KvEvent e)
    {
        var hasExtras = EventValues.HasExtras(in e);
        var fields = !IsVllm ? (e.Salt.IsEmpty ? 7 : 8)
            : e.SlidingWindow > 0 ? 12
            : e.Spec != KvSpecKind.Full ? 11
            : e.Group >= 0 ? 10
            : hasExtras ? 9
            : 8;
        Head(fields, "BlockStored"u8);
        _values.Hashes(e.Hashes);
        _values.Parent(in e);
        _values.Tokens(e.Tokens);
        _pack.Int64(e.BlockTokens);
        _values.AdapterId(in e);
        _values.Medium(e.Tier);
        if (!IsVllm)
        {
            if (fields == 8)
            {
                _pack.Map(1);
                Text("cache_salt"u8, e.Salt);
            }

            return;
        }

        _values.TextOrNil(e.Adapter);
        if (fields > 8)
        {
            _values.Extras(in e);
        }

        if (fields > 9)
        {
            _values.Group(in e);
        }

        if (fields > 10)
        {
            _pack.Text(KvNames.VllmSpec(e.Spec));
        }

        if (fields > 11)
        {
            _pack.Int64(e.SlidingWindow);
        }
    }

    private void StoredMap(in KvEvent e)
    {
        var hasExtras = IsVllm && EventValues.HasExtras(in e);
        var hasSalt = !IsVllm && !e.Salt.IsEmpty;
        var hasGroup = IsVllm && e.Group >= 0;
        var hasSpec = IsVllm && e.Spec != KvSpecKind.Full;
        var hasWindow = IsVllm && e.SlidingWindow > 0;
        Head(
            7 + Count(IsVllm) + Count(hasExtras) + Count(hasSalt) + Count(hasGroup) + Count(hasSpec) + Count(hasWindow),
            "BlockStored"u8);
        _pack.Text("block_hashes"u8);
        _values.Hashes(e.Hashes);
        _pack.Text("parent_block_hash"u8);
        _values.Parent(in e);
        _pack.Text("token_ids"u8);
        _values.Tokens(e.Tokens);
        _pack.Text("block_size"u8);
        _pack.Int64(e.BlockTokens);
        _pack.Text("lora_id"u8);
        _values.AdapterId(in e);
        _pack.Text("medium"u8);
        _values.Medium(e.Tier);
        if (IsVllm)
        {
            _pack.Text("lora_name"u8);
            _values.TextOrNil(e.Adapter);
        }

        if (hasExtras)
        {
            _pack.Text("extra_keys"u8);
            _values.Extras(in e);
        }

        if (hasSalt)
        {
            Text("cache_salt"u8, e.Salt);
        }

        if (hasGroup)
        {
            _pack.Text("group_idx"u8);
            _pack.Int64(e.Group);
        }

        if (hasSpec)
        {
            Text("kv_cache_spec_kind"u8, KvNames.VllmSpec(e.Spec));
        }

        if (hasWindow)
        {
            _pack.Text("kv_cache_spec_sliding_window"u8);
            _pack.Int64(e.SlidingWindow);
        }
    }

    private void Removed(in KvEvent e)
    {
        var hasGroup = IsVllm && e.Group >= 0;
        Head(3 + Count(hasGroup), "BlockRemoved"u8);
        Name("block_hashes"u8);
        _values.Hashes(e.Hashes);
        Name("medium"u8);
        _values.Medium(e.Tier);
        if (hasGroup)
        {
            Name("group_idx"u8);
            _pack.Int64(e.Group);
        }
    }

    // As an array the type is the first item, as a map it is one of the pairs: the count is the same.
    private void Head(int fields, ReadOnlySpan<byte> type)
    {
        if (IsMap)
        {
            _pack.Map(fields);
            _pack.Text("type"u8);
        }
        else
        {
            _pack.Array(fields);
        }

        _pack.Text(type);
    }

    private void Name(ReadOnlySpan<byte> name)
    {
        if (IsMap)
        {
            _pack.Text(name);
        }
    }

    private void Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        _pack.Text(name);
        _pack.Text(value);
    }

    private static int Count(bool has) => has ? 1 : 0;
}
