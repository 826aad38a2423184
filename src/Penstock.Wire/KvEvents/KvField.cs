namespace Penstock.Wire.KvEvents;

/// <summary>The fields of an event that mean something here.</summary>
internal enum KvField : byte
{
    Unknown,
    Hashes,
    Parent,
    Tokens,
    BlockSize,
    AdapterId,
    Medium,

    /// <summary>In arrays vLLM has the adapter's name where SGLang has a map of metadata.</summary>
    AdapterOrMetadata,
    Extras,
    Group,
    Spec,
    Window,
    Salt,
    Locality,
}
