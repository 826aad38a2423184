using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Penstock.Core.Recording;

/// <summary>Writes the fields of log records: whole numbers in LEB128, the rest little-endian.</summary>
internal readonly struct FieldWriter(IBufferWriter<byte> output)
{
    private const int VarintMax = 10;

    public void Write(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    public void Write(ulong value)
    {
        var span = output.GetSpan(VarintMax);
        var at = 0;
        for (; value >= 0x80; value >>= 7)
        {
            span[at++] = (byte)(value | 0x80);
        }

        span[at++] = (byte)value;
        output.Advance(at);
    }

    /// <summary>Small numbers of either sign take few bytes (zigzag).</summary>
    public void WriteSigned(long value) => Write((ulong)((value << 1) ^ (value >> 63)));

    public void WriteFixed(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(8), value);
        output.Advance(8);
    }

    public void Write(double value) => WriteFixed(BitConverter.DoubleToUInt64Bits(value));

    public void Write(string value)
    {
        Write((ulong)Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, output);
    }
}

/// <summary>Reads what <see cref="FieldWriter"/> wrote; throws <see cref="InvalidDataException"/> where the bytes are
/// not that.</summary>
internal ref struct FieldReader(ReadOnlySpan<byte> input)
{
    private ReadOnlySpan<byte> _left = input;

    public readonly bool AtEnd => _left.IsEmpty;

    public byte ReadByte() => Take(1)[0];

    public ulong Read()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = ReadByte();
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number is longer than 64 bits");
    }

    /// <summary>A number that must not be larger than <paramref name="max"/>.</summary>
    public int ReadCount(int max)
    {
        var value = Read();
        return value <= (ulong)max
            ? (int)value
            : throw new InvalidDataException($"a count of {value} where at most {max} may be");
    }

    public long ReadSigned()
    {
        var value = Read();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public ulong ReadFixed() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public double ReadDouble() => BitConverter.UInt64BitsToDouble(ReadFixed());

    public string ReadString(int bytesMax) => Encoding.UTF8.GetString(Take(ReadCount(bytesMax)));

    public ReadOnlySpan<byte> Take(int bytes)
    {
        if (_left.Length < bytes)
        {
            throw new InvalidDataException("a record is cut short");
        }

        var taken = _left[..bytes];
        _left = _left[bytes..];
        return taken;
    }
}
