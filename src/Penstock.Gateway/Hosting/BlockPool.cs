using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Penstock.Gateway.Hosting;

/// <summary>
/// The memory that connections read into and write from, in blocks of <see cref="BlockBytes"/> instead of the
/// framework's 4 KiB: the prompts of agents are tens of kilobytes, and every block is a system call and a round through
/// the pipe. Blocks are held only while bytes are in them, never by idle connections.
/// </summary>
/// <remarks>
/// Thread-safe. Keeps at most <see cref="KeptMax"/> blocks; what is rented beyond is left to the collector.
/// </remarks>
internal sealed class BlockPool : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    public const int BlockBytes = 32 * 1024;

    public const int KeptMax = 256;

    private readonly ConcurrentStack<Block> _kept = new();
    private int _count;

    public override int MaxBufferSize => BlockBytes;

    /// <summary>One pool serves all listeners.</summary>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <exception cref="ArgumentOutOfRangeException">More than a block was asked for.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (_kept.TryPop(out var block))
        {
            Interlocked.Decrement(ref _count);
            return block;
        }

        return new Block(this);
    }

    /// <summary>Pools are disposed with their listeners; this one is shared, and memory is all that it holds.</summary>
    protected override void Dispose(bool disposing)
    {
    }

    private void Keep(Block block)
    {
        if (Volatile.Read(ref _count) < KeptMax)
        {
            Interlocked.Increment(ref _count);
            _kept.Push(block);
        }
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

        public Memory<byte> Memory => _bytes;

        public void Dispose() => pool.Keep(this);
    }
}
