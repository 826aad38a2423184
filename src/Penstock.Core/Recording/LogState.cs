using System.Buffers;

namespace Penstock.Core.Recording;

/// <summary>
/// The state that a log begins with. It is filled under the pool's lock, where it is copied once, in pieces that never
/// move, and handed over as it is.
/// </summary>
/// <remarks>Not thread-safe: it belongs to whoever has it. <see cref="Release"/> gives its memory back.</remarks>
public sealed class LogState : IBufferWriter<byte>
{
    /// <summary>Bytes of a piece at most, and those of a chunk of a log that holds it.</summary>
    public const int PieceBytes = 1 << 20;

    private readonly List<(byte[] Bytes, int Used)> _pieces = [];
    private byte[] _last = [];
    private int _used;

    /// <summary>Bytes in all pieces.</summary>
    public long Bytes { get; private set; }

    /// <summary>Pieces, each to be written as a chunk, in order.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Pieces
    {
        get
        {
            foreach (var (bytes, used) in _pieces)
            {
                yield return bytes.AsMemory(0, used);
            }

            if (_used > 0)
            {
                yield return _last.AsMemory(0, _used);
            }
        }
    }

    public void Advance(int count)
    {
        _used += count;
        Bytes += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _last.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _last.AsSpan(_used);
    }

    /// <summary>Nobody needs it any more; nothing is in it after this.</summary>
    public void Release()
    {
        foreach (var (bytes, _) in _pieces)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }

        if (_last.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_last);
        }

        _pieces.Clear();
        (_last, _used, Bytes) = ([], 0, 0);
    }

    private void MakeRoom(int bytes)
    {
        if (_last.Length - _used >= Math.Max(1, bytes))
        {
            return;
        }

        if (_used > 0)
        {
            _pieces.Add((_last, _used));
        }

        _last = ArrayPool<byte>.Shared.Rent(Math.Max(PieceBytes, bytes));
        _used = 0;
    }
}
