using System.Runtime.InteropServices;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// The prefix hashes of a token sequence: the hash of block i covers all tokens up to its end, so two sequences share
/// a hash exactly as far as they are equal (as in vLLM, with another hash function).
/// </summary>
public static class PromptChain
{
    /// <summary>One hash for each full block; the tokens of a last, partial block are in none.</summary>
    /// <param name="salt">Whatever must keep caches apart: model, adapter, tenant.</param>
    public static ulong[] Of(ReadOnlySpan<uint> tokens, int blockSize, ulong salt = 0)
    {
        var chain = new ulong[tokens.Length / blockSize];
        var parent = salt;
        for (var i = 0; i < chain.Length; i++)
        {
            parent = Hash64.Of(MemoryMarshal.AsBytes(tokens.Slice(i * blockSize, blockSize)), parent);
            chain[i] = parent;
        }

        return chain;
    }
}
