namespace Penstock.Wire.KvEvents;

/// <summary>How an engine writes its events.</summary>
public enum KvDialect : byte
{
    /// <summary>vLLM up to v0.24: an event is an array that begins with its type.</summary>
    VllmArrays,

    /// <summary>vLLM since v0.25: an event is a map with a <c>type</c>.</summary>
    VllmMaps,

    /// <summary>SGLang until September 2026: arrays, shorter than vLLM's.</summary>
    SglangArrays,

    /// <summary>SGLang since then: maps.</summary>
    SglangMaps,
}
