using System.Buffers;

namespace Penstock.Wire.Zmtp;

/// <summary>
/// Bytes received and not yet done with, in one piece of rented memory that grows with what has arrived, never with
/// what a peer announces. An idle one holds <see cref="SmallBytes"/> at most.
/// </summary>
internal sealed class ReceiveBuffer : IDisposable
{
    public const int SmallBytes = 8 * 1024;
    private const int KeptBytes = 256 * 1024;
    private const int FreeMin = 2 * 1024;

    private byte[] _bytes = [];
    private int _start;
    private int _end;

    /// <summary>What is held.</summary>
    public ReadOnlySpan<byte> Held => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Where the next bytes are to be put: <see cref="FreeMin"/> bytes at least.</summary>
    public Memory<byte> Free()
    {
        if (_start == _end)
        {
            _start = 0;
            _end = 0;
            if (_bytes.Length > KeptBytes)
            {
                Dispose();
            }
        }

        if (_bytes.Length - _end < FreeMin)
        {
            MakeRoom();
        }

        return _bytes.AsMemory(_end);
    }

    /// <summary>So many bytes were put where <see cref="Free"/> said.</summary>
    public void Received(int bytes) => _end += bytes;

    /// <summary>The first <paramref name="bytes"/> held are done with.</summary>
    public void Drop(int bytes) => _start += bytes;

    public void Dispose()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = [];
        _start = 0;
        _end = 0;
    }

    private void MakeRoom()
    {
        var held = _end - _start;
        if (_bytes.Length > 0 && held <= _bytes.Length / 2)
        {
            Held.CopyTo(_bytes);
        }
        else
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(SmallBytes, 2 * _bytes.Length));
            Held.CopyTo(larger);
            Dispose();
            _bytes = larger;
        }

        _start = 0;
        _end = held;
    }
}
