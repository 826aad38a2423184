using System.Buffers;

namespace Penstock.Gateway.Requests;

/// <summary>One request body in rented memory that grows as it arrives. Not thread-safe.</summary>
internal sealed class BodyBuffer : IBufferWriter<byte>, IDisposable
{
    /// <summary>Bytes that are reserved on the word of a content length; more are when they come.</summary>
    public const int BelievedMax = 1024 * 1024;

    private byte[] _bytes = [];

    public int Length { get; private set; }

    /// <summary>Bytes of memory that are held.</summary>
    public int Held => _bytes.Length;

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Makes room for a body of known length, so that it is rented once.</summary>
    public void Reserve(int bytes) => Grow(bytes);

    public void Append(in ReadOnlySequence<byte> bytes)
    {
        var length = checked((int)bytes.Length);
        Grow(length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += length;
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(Math.Max(sizeHint, 256));
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Gives the memory back and keeps the length: nobody will read the bytes again.</summary>
    public void Release()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    /// <summary>Gives the memory back; the buffer can be used again.</summary>
    public void Dispose()
    {
        Release();
        Length = 0;
    }

    private void Grow(int more)
    {
        if (_bytes.Length - Length >= more)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Length + more, Math.Min(_bytes.Length * 2, 1 << 30)));
        Span.CopyTo(larger);
        var length = Length;
        Dispose();
        _bytes = larger;
        Length = length;
    }
}
