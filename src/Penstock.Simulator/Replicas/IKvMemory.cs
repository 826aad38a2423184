namespace Penstock.Simulator.Replicas;

/// <summary>How a request's memory came to be given back.</summary>
internal enum KvRelease
{
    /// <summary>Its last token is there.</summary>
    Finished,

    /// <summary>Its client is gone.</summary>
    Cancelled,

    /// <summary>Others need the memory; it will be computed again.</summary>
    Preempted,
}

/// <summary>
/// The KV memory of one replica with its cache: what the scheduler asks of it. It decides what of a prompt is there
/// already, which memory a step gets, and what is lost for it. Sizes are in blocks of the profile's block size.
/// </summary>
internal interface IKvMemory
{
    int Capacity { get; }

    /// <summary>Blocks that requests in the batch hold; cached ones that nobody holds are not among them.</summary>
    int UsedCount { get; }

    /// <summary>
    /// Takes over what is cached of a waiting request's prefix, if the rest of its first chunk fits as well. At least
    /// one token is always left to compute: the engine needs its logits.
    /// </summary>
    bool TryStart(Sequence sequence, int budget, out int cachedTokens);

    /// <summary>Blocks at the start of a chain that are cached now. Changes nothing.</summary>
    int CountCached(ReadOnlySpan<ulong> chain);

    /// <summary>Gets memory for the next <paramref name="tokens"/> tokens; false where too little can be had.</summary>
    bool TryGrow(Sequence sequence, int tokens);

    /// <summary>A chunk of prefill is computed; <see cref="Sequence.Computed"/> counts it.</summary>
    void Prefilled(Sequence sequence);

    /// <summary>Gives everything back that the request holds; what of it stays cached is the memory's affair.</summary>
    void Release(Sequence sequence, KvRelease why);

    /// <summary>Forgets all cached content. Only while no request holds memory.</summary>
    void Clear();

    /// <summary>Calls <paramref name="found"/> with the hash of every cached block. For tests: O(blocks).</summary>
    void VisitResident(Action<ulong> found);

    /// <summary>Walks everything and fails where the books do not agree. For tests: O(blocks).</summary>
    void Verify();
}

/// <summary>What a request holds of a memory. Each memory has its own kind and sees no other.</summary>
internal abstract class KvHolding;
