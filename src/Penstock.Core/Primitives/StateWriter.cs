using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Penstock.Core.Primitives;

/// <summary>
/// Writes state as the bytes that it has in memory, to be read by <see cref="StateReader"/> in the same order on a
/// machine of the same byte order. Not for what outlives a version of the program.
/// </summary>
/// <remarks>Tables are made for the most that may be in them, and mostly hold less: stretches of zeros in arrays cost
/// no bytes.</remarks>
public sealed class StateWriter(IBufferWriter<byte> output)
{
    /// <summary>Bytes that are looked at together.</summary>
    private const int Line = 64;

    public void Write<T>(in T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(output.GetSpan(Unsafe.SizeOf<T>()), in value);
        output.Advance(Unsafe.SizeOf<T>());
    }

    /// <summary>Writes the length, then the elements: in turn how many bytes are zero, how many follow, and these.
    /// </summary>
    public void WriteAll<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Write(values.Length);
        var left = MemoryMarshal.AsBytes(values);
        while (!left.IsEmpty)
        {
            var zeros = LengthOfRun(left, areZeros: true);
            var others = LengthOfRun(left[zeros..], areZeros: false);
            Write(zeros);
            Write(others);
            output.Write(left.Slice(zeros, others));
            left = left[(zeros + others)..];
        }
    }

    /// <summary>Bytes at the front of which every line is zero, or none is.</summary>
    private static int LengthOfRun(ReadOnlySpan<byte> bytes, bool areZeros)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            var line = bytes.Slice(at, Math.Min(Line, bytes.Length - at));
            if (line.ContainsAnyExcept((byte)0) == areZeros)
            {
                break;
            }

            at += line.Length;
        }

        return at;
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

        var left = MemoryMarshal.AsBytes(values[..count]);
        while (!left.IsEmpty)
        {
            var zeros = ReadLength(left.Length);
            var others = ReadLength(left.Length - zeros);
            if (zeros + others == 0)
            {
                throw new InvalidDataException("the state holds a run of nothing");
            }

            Need(others);
            left[..zeros].Clear();
            _left[..others].CopyTo(left[zeros..]);
            _left = _left[others..];
            left = left[(zeros + others)..];
        }

        return count;
    }

    private int ReadLength(int max) => Read<int>() is var length && (uint)length <= (uint)max
        ? length
        : throw new InvalidDataException("the state holds more than there is room for");

    private readonly void Need(int bytes)
    {
        if (_left.Length < bytes)
        {
            throw new InvalidDataException("the state is cut short");
        }
    }
}
