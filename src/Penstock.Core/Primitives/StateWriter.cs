using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Penstock.Core.Primitives;

/// <summary>
/// Writes state as the bytes that it has in memory, to be read by <see cref="StateReader"/> in the same order on a
/// machine of the same byte order. Not for what outlives a version of the program.
/// </summary>
public sealed class StateWriter(IBufferWriter<byte> output)
{
    public void Write<T>(in T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(output.GetSpan(Unsafe.SizeOf<T>()), in value);
        output.Advance(Unsafe.SizeOf<T>());
    }

    /// <summary>Writes the length, then the elements.</summary>
    public void WriteAll<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Write(values.Length);
        output.Write(MemoryMarshal.AsBytes(values));
    }
}

/// <summary>Reads what <see cref="StateWriter"/> wrote. Where the bytes are too few it throws
/// <see cref="InvalidDataException"/>.</summary>
public ref struct StateReader(ReadOnlySpan<byte> input)
{
    private ReadOnlySpan<byte> _left = input;

    public T Read<T>()
        where T : unmanaged
    {
        Need(Unsafe.SizeOf<T>());
        var value = MemoryMarshal.Read<T>(_left);
        _left = _left[Unsafe.SizeOf<T>()..];
        return value;
    }

    /// <summary>Reads elements into the front of <paramref name="values"/> and returns how many.</summary>
    public int ReadAll<T>(Span<T> values)
        where T : unmanaged
    {
        var count = Read<int>();
        if ((uint)count > (uint)values.Length)
        {
            throw new InvalidDataException("the state holds more than there is room for");
        }

        var bytes = MemoryMarshal.AsBytes(values[..count]);
        Need(bytes.Length);
        _left[..bytes.Length].CopyTo(bytes);
        _left = _left[bytes.Length..];
        return count;
    }

    private readonly void Need(int bytes)
    {
        if (_left.Length < bytes)
        {
            throw new InvalidDataException("the state is cut short");
        }
    }
}
