using System.Buffers;
using Penstock.Core.Primitives;

namespace Penstock.Core.Prefixes;

/// <summary>
/// Hashes a canonical prompt, fed in pieces of any size, into its chain: one 64-bit hash per full block of
/// <see cref="BlockBytes"/> bytes, each keyed with the one before, so that two chains agree up to block <c>n</c>
/// exactly where the prompts agree in their first <c>n</c> blocks. The first key is the cache scope (model, adapter,
/// tenant, and a secret), so nothing matches across scopes and nobody can write prompts that do.
/// </summary>
/// <remarks>
/// Not thread-safe; reusable through <see cref="Start"/>. Blocks beyond <see cref="BlocksMax"/> are not kept: the tail
/// of a prompt longer than that counts as uncached. Rented memory is returned by <see cref="Dispose"/>.
/// </remarks>
public sealed class PrefixChainBuilder : IDisposable
{
    /// <summary>Bytes of canonical prompt per block: about 64 tokens at 4 bytes a token.</summary>
    public const int BlockBytes = 256;

    /// <summary>Blocks kept per chain at most: 4 MiB of prompt, about a million tokens.</summary>
    public const int BlocksMax = 16_384;

    /// <summary>Marks kept from the start of a prompt: where its tools, its system prompt and its first messages end.
    /// </summary>
    public const int FirstMarks = 6;

    /// <summary>Marks kept from the end of a prompt at least.</summary>
    public const int LastMarks = 32;

    private readonly byte[] _partial = new byte[BlockBytes];
    private readonly PromptMark[] _marks = new PromptMark[FirstMarks + (2 * LastMarks)];
    private ulong[] _blocks = [];
    private int _count;
    private int _filled;
    private int _markCount;
    private ulong _parent;

    /// <summary>Bytes fed since <see cref="Start"/>.</summary>
    public long Bytes { get; private set; }

    /// <summary>The chain so far: full blocks only. Valid until the next <see cref="Start"/>, <see cref="Append"/> or
    /// <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<ulong> Blocks => _blocks.AsSpan(0, _count);

    /// <summary>The prompt so far, as the index takes it. Valid as long as <see cref="Blocks"/>.</summary>
    public PromptPrefix Prompt =>
        new() { Blocks = Blocks, Marks = _marks.AsSpan(0, _markCount), Length = Bytes };

    /// <summary>Begins a new chain in the given cache scope.</summary>
    public void Start(ulong scope)
    {
        _count = 0;
        _filled = 0;
        _markCount = 0;
        _parent = scope;
        Bytes = 0;
    }

    /// <summary>Feeds the next bytes of the canonical prompt.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Bytes += bytes.Length;
        if (_filled > 0)
        {
            var take = Math.Min(BlockBytes - _filled, bytes.Length);
            bytes[..take].CopyTo(_partial.AsSpan(_filled));
            _filled += take;
            bytes = bytes[take..];
            if (_filled < BlockBytes)
            {
                return;
            }

            Add(_partial);
            _filled = 0;
        }

        while (bytes.Length >= BlockBytes)
        {
            Add(bytes[..BlockBytes]);
            bytes = bytes[BlockBytes..];
        }

        bytes.CopyTo(_partial);
        _filled = bytes.Length;
    }

    /// <summary>A part of the prompt ends here. Of more marks than there is room for, those in the middle are dropped.
    /// </summary>
    public void Mark()
    {
        // Past the last block that is kept the hash would not tell two prompts apart.
        if (_count == BlocksMax)
        {
            return;
        }

        if (_markCount == _marks.Length)
        {
            _marks.AsSpan(FirstMarks + LastMarks).CopyTo(_marks.AsSpan(FirstMarks));
            _markCount = FirstMarks + LastMarks;
        }

        // No full block has this hash: the length of what is hashed is part of it, and here it is less than a block.
        var hash = KeyedHash.Of(_partial.AsSpan(0, _filled), _parent);
        _marks[_markCount++] = new PromptMark(Bytes, hash == 0 ? 1 : hash);
    }

    public void Dispose()
    {
        if (_blocks.Length > 0)
        {
            ArrayPool<ulong>.Shared.Return(_blocks);
            _blocks = [];
        }

        _count = 0;
    }

    private void Add(ReadOnlySpan<byte> block)
    {
        if (_count == BlocksMax)
        {
            return;
        }

        if (_count == _blocks.Length)
        {
            Grow();
        }

        _parent = KeyedHash.Of(block, _parent);
        _blocks[_count++] = _parent;
    }

    private void Grow()
    {
        var larger = ArrayPool<ulong>.Shared.Rent(Math.Max(64, _count * 2));
        _blocks.AsSpan(0, _count).CopyTo(larger);
        if (_blocks.Length > 0)
        {
            ArrayPool<ulong>.Shared.Return(_blocks);
        }

        _blocks = larger;
    }
}
