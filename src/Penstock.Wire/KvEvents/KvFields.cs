using Penstock.Core.KvSync;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// Where each dialect has its fields. Sources: vLLM's <c>vllm/distributed/kv_events.py</c> from v0.10 (arrays) to
/// v0.29 (maps), SGLang's <c>python/sglang/srt/disaggregation/kv_events.py</c>.
/// </summary>
internal static class KvFields
{
    private static ReadOnlySpan<KvField> Stored =>
    [
        KvField.Hashes, KvField.Parent, KvField.Tokens, KvField.BlockSize, KvField.AdapterId, KvField.Medium,
        KvField.AdapterOrMetadata, KvField.Extras, KvField.Group, KvField.Spec, KvField.Window,
    ];

    private static ReadOnlySpan<KvField> Removed => [KvField.Hashes, KvField.Medium, KvField.Group];

    /// <summary>The kind that a tag names; false for one not known.</summary>
    public static bool TryKind(ReadOnlySpan<byte> tag, out KvEventKind kind)
    {
        kind = tag.SequenceEqual("BlockRemoved"u8) ? KvEventKind.Removed
            : tag.SequenceEqual("AllBlocksCleared"u8) ? KvEventKind.Cleared
            : KvEventKind.Stored;
        return kind != KvEventKind.Stored || tag.SequenceEqual("BlockStored"u8);
    }

    /// <summary>The field at <paramref name="index"/> of an event that is an array, the tag not counted.</summary>
    public static KvField At(KvEventKind kind, int index)
    {
        var fields = kind == KvEventKind.Stored ? Stored : kind == KvEventKind.Removed ? Removed : [];
        return index < fields.Length ? fields[index] : KvField.Unknown;
    }

    /// <summary>The field that a key of an event that is a map names.</summary>
    public static KvField Named(ReadOnlySpan<byte> key) => key switch
    {
        _ when key.SequenceEqual("block_hashes"u8) => KvField.Hashes,
        _ when key.SequenceEqual("token_ids"u8) => KvField.Tokens,
        _ when key.SequenceEqual("parent_block_hash"u8) => KvField.Parent,
        _ when key.SequenceEqual("block_size"u8) => KvField.BlockSize,
        _ when key.SequenceEqual("medium"u8) => KvField.Medium,
        _ when key.SequenceEqual("lora_id"u8) => KvField.AdapterId,
        _ when key.SequenceEqual("lora_name"u8) || key.SequenceEqual("metadata"u8) => KvField.AdapterOrMetadata,
        _ when key.SequenceEqual("extra_keys"u8) => KvField.Extras,
        _ when key.SequenceEqual("group_idx"u8) || key.SequenceEqual("component_id"u8) => KvField.Group,
        _ when key.SequenceEqual("kv_cache_spec_kind"u8) || key.SequenceEqual("component_type"u8) => KvField.Spec,
        _ when key.SequenceEqual("kv_cache_spec_sliding_window"u8) || key.SequenceEqual("sliding_window"u8) =>
            KvField.Window,
        _ when key.SequenceEqual("cache_salt"u8) => KvField.Salt,
        _ when key.SequenceEqual("locality"u8) => KvField.Locality,
        _ => KvField.Unknown,
    };
}
