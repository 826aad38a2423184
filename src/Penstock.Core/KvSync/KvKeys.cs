using System.Runtime.InteropServices;
using Penstock.Core.Primitives;

namespace Penstock.Core.KvSync;

/// <summary>
/// The router's own names of cache blocks: chained like the engines' but made from token ids alone, so that no engine's
/// hash algorithm or seed need be known. The key of a block is a <see cref="KeyedHash"/> of its token ids as
/// little-endian 32-bit numbers, under the key of the block before it; the first is under its scope. With a secret in
/// the scope nobody outside can choose tokens, adapters or salts that pass for others.
/// </summary>
public static class KvKeys
{
    /// <summary>What the keys of prompts begin with that may share a cache.</summary>
    /// <param name="model">A number for the model, which only gateways of the cluster know.</param>
    /// <param name="adapter">The adapter's name, UTF-8; empty: none.</param>
    /// <param name="salt">The cache salt, UTF-8; empty: none.</param>
    public static ulong Scope(ulong model, ReadOnlySpan<byte> adapter, ReadOnlySpan<byte> salt)
    {
        var scope = adapter.IsEmpty ? model : KeyedHash.Of(adapter, model + 1);
        return salt.IsEmpty ? scope : KeyedHash.Of(salt, scope + 2);
    }

    /// <summary>The key of a block.</summary>
    /// <param name="parent">The key of the block before it, or the scope.</param>
    /// <param name="tokens">Its token ids.</param>
    /// <param name="extra">What else makes it what it is; 0: nothing.</param>
    public static ulong Of(ulong parent, ReadOnlySpan<uint> tokens, ulong extra = 0) =>
        KeyedHash.Of(MemoryMarshal.AsBytes(tokens), extra == 0 ? parent : Hash64.Combine(parent, extra));
}
