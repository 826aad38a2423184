using System.Buffers;
using Penstock.Core.KvSync;
using Penstock.Core.Prefixes;
using Penstock.Gateway.Pools;

namespace Penstock.Gateway.CacheSync;

/// <summary>The chain of one prompt's tokens, made for one pool. Rented memory; not thread-safe.</summary>
internal sealed class TokenChain : IDisposable
{
    private const int BytesPerToken = 4;

    private ulong[] _blocks = [];
    private int _count;
    private long _tokens;
    private Pool? _pool;

    /// <summary>Makes the chain, cut to what an index takes.</summary>
    /// <param name="pool">Who it is for.</param>
    /// <param name="scope">What the first block is seeded with.</param>
    /// <param name="ids">The token ids of the whole prompt.</param>
    public void Fill(Pool pool, ulong scope, ReadOnlySpan<uint> ids)
    {
        var length = pool.Keying.BlockLength;
        Start(pool, Math.Min(ids.Length / length, PrefixChainBuilder.BlocksMax), ids.Length);
        for (var i = 0; i < _count; i++)
        {
            scope = KvKeys.Of(scope, ids.Slice(i * length, length));
            _blocks[i] = scope;
        }
    }

    /// <summary>Takes a chain that was made before.</summary>
    public void Fill(Pool pool, CachedChain chain)
    {
        Start(pool, chain.Blocks.Length, chain.Tokens);
        chain.Blocks.CopyTo(_blocks, 0);
    }

    /// <summary>A copy, to be kept.</summary>
    public CachedChain Copy() => new(_blocks.AsSpan(0, _count).ToArray(), _tokens);

    /// <summary>The prompt for a pool; without a chain, and of a length guessed from its bytes, where it was not made
    /// for that one.</summary>
    public PromptPrefix PromptFor(Pool pool, long bytes) => pool == _pool
        ? new PromptPrefix { Blocks = _blocks.AsSpan(0, _count), Length = _tokens }
        : new PromptPrefix { Length = bytes / BytesPerToken };

    public void Dispose()
    {
        if (_blocks.Length > 0)
        {
            ArrayPool<ulong>.Shared.Return(_blocks);
            _blocks = [];
        }

        _pool = null;
        _count = 0;
    }

    private void Start(Pool pool, int count, long tokens)
    {
        Dispose();
        _blocks = count == 0 ? [] : ArrayPool<ulong>.Shared.Rent(count);
        _pool = pool;
        _count = count;
        _tokens = tokens;
    }
}

/// <summary>A chain that is kept.</summary>
internal sealed record CachedChain(ulong[] Blocks, long Tokens)
{
    public long Bytes => 96 + (Blocks.Length * sizeof(ulong));
}
