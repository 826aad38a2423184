using System.Text;
using Penstock.Core.KvSync;

namespace Penstock.Wire.KvEvents;

/// <summary>The names that engines give to places and kinds. Compared without regard to case.</summary>
internal static class KvNames
{
    /// <summary>The tier of a medium. A name not known counts as the farthest.</summary>
    public static KvTier Tier(ReadOnlySpan<byte> medium)
    {
        if (Is(medium, "GPU"u8) || Is(medium, "DEVICE"u8) || Is(medium, "HBM"u8))
        {
            return KvTier.Device;
        }

        if (Is(medium, "CPU"u8) || Is(medium, "CPU_PINNED"u8) || Is(medium, "HOST"u8))
        {
            return KvTier.Host;
        }

        return Is(medium, "STORAGE"u8) || Is(medium, "DISK"u8) || Is(medium, "SSD"u8) ? KvTier.Disk : KvTier.Shared;
    }

    /// <summary>The name of a tier's medium as vLLM writes it.</summary>
    public static ReadOnlySpan<byte> VllmMedium(KvTier tier) => tier switch
    {
        KvTier.Device => "GPU"u8,
        KvTier.Host => "CPU"u8,
        KvTier.Disk => "STORAGE"u8,
        _ => "SHARED"u8,
    };

    /// <summary>The name of a tier's medium as SGLang writes it.</summary>
    public static ReadOnlySpan<byte> SglangMedium(KvTier tier) => tier switch
    {
        KvTier.Device => "GPU"u8,
        KvTier.Host => "CPU_PINNED"u8,
        KvTier.Disk => "DISK"u8,
        _ => "EXTERNAL"u8,
    };

    /// <summary>The kind of a group: vLLM's KVCacheSpecKind, and SGLang's component types.</summary>
    public static KvSpecKind Spec(ReadOnlySpan<byte> name)
    {
        if (Is(name, "full_attention"u8) || Is(name, "mla_attention"u8) || Is(name, "sink_full_attention"u8)
            || Is(name, "full"u8) || Is(name, "unknown"u8))
        {
            return KvSpecKind.Full;
        }

        if (Is(name, "sliding_window"u8) || Is(name, "sliding_window_mla"u8) || Is(name, "swa"u8))
        {
            return KvSpecKind.SlidingWindow;
        }

        if (Is(name, "chunked_local_attention"u8))
        {
            return KvSpecKind.ChunkedLocal;
        }

        return Is(name, "mamba"u8) ? KvSpecKind.State : KvSpecKind.Other;
    }

    /// <summary>The name of a kind as vLLM writes it.</summary>
    public static ReadOnlySpan<byte> VllmSpec(KvSpecKind kind) => kind switch
    {
        KvSpecKind.Full => "full_attention"u8,
        KvSpecKind.SlidingWindow => "sliding_window"u8,
        KvSpecKind.ChunkedLocal => "chunked_local_attention"u8,
        KvSpecKind.State => "mamba"u8,
        _ => "cross_attention"u8,
    };

    public static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known) => Ascii.EqualsIgnoreCase(name, known);
}
