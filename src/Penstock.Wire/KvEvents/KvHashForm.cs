namespace Penstock.Wire.KvEvents;

/// <summary>How an engine writes the name of a block.</summary>
public enum KvHashForm : byte
{
    /// <summary>vLLM: a number without sign.</summary>
    Unsigned,

    /// <summary>SGLang: the same 64 bits as a number with sign.</summary>
    Signed,

    /// <summary>vLLM with <c>VLLM_KV_EVENTS_USE_INT_BLOCK_HASHES=0</c>: a digest of 32 bytes.</summary>
    Digest,
}
