using System.Buffers;
using System.Buffers.Binary;

namespace Penstock.Wire.MessagePack;

/// <summary>
/// Writes MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), each value in its shortest form. What
/// is written is well-formed where as many items are written as each head announced; that is the caller's to keep.
/// </summary>
public readonly ref struct MessagePackWriter(IBufferWriter<byte> output)
{
    private readonly IBufferWriter<byte> _output = output;

    public void Nil() => Single(0xC0);

    public void Boolean(bool value) => Single(value ? (byte)0xC3 : (byte)0xC2);

    /// <summary>The head of an array of <paramref name="count"/> items, which are to be written next.</summary>
    public void Array(int count) => Head(count, 0x90, 15, 0, 0xDC);

    /// <summary>The head of a map of <paramref name="count"/> pairs, to be written next: key, value.</summary>
    public void Map(int count) => Head(count, 0x80, 15, 0, 0xDE);

    public void Text(ReadOnlySpan<byte> utf8)
    {
        Head(utf8.Length, 0xA0, 31, 0xD9, 0xDA);
        _output.Write(utf8);
    }

    public void Binary(ReadOnlySpan<byte> bytes)
    {
        Head(bytes.Length, 0, -1, 0xC4, 0xC5);
        _output.Write(bytes);
    }

    public void UInt64(ulong value)
    {
        switch (value)
        {
            case <= 0x7F:
                Single((byte)value);
                break;
            case <= byte.MaxValue:
                Number(0xCC, value, 1);
                break;
            case <= ushort.MaxValue:
                Number(0xCD, value, 2);
                break;
            case <= uint.MaxValue:
                Number(0xCE, value, 4);
                break;
            default:
                Number(0xCF, value, 8);
                break;
        }
    }

    public void Int64(long value)
    {
        switch (value)
        {
            case >= 0:
                UInt64((ulong)value);
                break;
            case >= -32:
                Single((byte)value);
                break;
            case >= sbyte.MinValue:
                Number(0xD0, (ulong)value, 1);
                break;
            case >= short.MinValue:
                Number(0xD1, (ulong)value, 2);
                break;
            case >= int.MinValue:
                Number(0xD2, (ulong)value, 4);
                break;
            default:
                Number(0xD3, (ulong)value, 8);
                break;
        }
    }

    public void Double(double value) => Number(0xCB, BitConverter.DoubleToUInt64Bits(value), 8);

    private void Head(int count, byte small, int smallMax, byte oneByte, byte twoBytes)
    {
        if (count <= smallMax)
        {
            Single((byte)(small | count));
        }
        else if (count <= byte.MaxValue && oneByte != 0)
        {
            Number(oneByte, (ulong)count, 1);
        }
        else if (count <= ushort.MaxValue)
        {
            Number(twoBytes, (ulong)count, 2);
        }
        else
        {
            Number((byte)(twoBytes + 1), (ulong)count, 4);
        }
    }

    private void Single(byte value)
    {
        _output.GetSpan(1)[0] = value;
        _output.Advance(1);
    }

    private void Number(byte first, ulong value, int width)
    {
        var span = _output.GetSpan(9);
        span[0] = first;
        BinaryPrimitives.WriteUInt64BigEndian(span[1..], value << (64 - (8 * width)));
        _output.Advance(1 + width);
    }
}
