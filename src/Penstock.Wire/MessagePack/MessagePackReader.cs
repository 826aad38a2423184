using System.Buffers.Binary;

namespace Penstock.Wire.MessagePack;

/// <summary>
/// Reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) from bytes that nobody vouches for. Never
/// throws: a read that cannot be done answers false, sets <see cref="Status"/> and ends this reader. Skipping does not
/// recurse and no count is believed beyond the bytes that are there, so that neither depth nor a large count costs more
/// than the bytes themselves. A mutable struct: a copy reads on from the same place. Allocates nothing.
/// </summary>
public ref struct MessagePackReader
{
    private readonly ReadOnlySpan<byte> _data;
    private int _position;

    public MessagePackReader(ReadOnlySpan<byte> data) => _data = data;

    /// <summary>Why reading ended; <see cref="MessagePackStatus.Ok"/> while it goes on.</summary>
    public MessagePackStatus Status { get; private set; }

    /// <summary>Bytes read so far.</summary>
    public readonly int Position => _position;

    /// <summary>True where no bytes are left.</summary>
    public readonly bool IsAtEnd => _position >= _data.Length;

    /// <summary>The type of the next value, which is not read.</summary>
    public readonly MessagePackType Next =>
        Status == MessagePackStatus.Ok && _position < _data.Length
            ? MessagePackFormat.TypeOf(_data[_position]) : MessagePackType.None;

    /// <summary>The bytes between two positions of this reader.</summary>
    public readonly ReadOnlySpan<byte> Between(int from, int to) => _data[from..to];

    /// <summary>Reads a nil where one is next; anything else is left where it is, and is no failure.</summary>
    public bool TrySkipNil()
    {
        if (Next != MessagePackType.Nil)
        {
            return false;
        }

        _position++;
        return true;
    }

    /// <summary>Reads the head of an array. The items follow.</summary>
    public bool TryReadArray(out int count)
    {
        count = 0;
        return TryFirst(out var first) && first switch
        {
            >= 0x90 and <= 0x9F => Take(1, first & 0x0F, out count),
            0xDC => TryCount(2, out count),
            0xDD => TryCount(4, out count),
            _ => Fail(MessagePackStatus.WrongType),
        };
    }

    /// <summary>Reads the head of a map. As many pairs of key and value follow.</summary>
    public bool TryReadMap(out int count)
    {
        count = 0;
        if (!TryFirst(out var first))
        {
            return false;
        }

        var isRead = first switch
        {
            >= 0x80 and <= 0x8F => Take(1, first & 0x0F, out count),
            0xDE => TryCount(2, out count),
            0xDF => TryCount(4, out count),
            _ => Fail(MessagePackStatus.WrongType),
        };
        return isRead && (2L * count <= _data.Length - _position || Fail(MessagePackStatus.Truncated));
    }

    /// <summary>Reads a whole number as its 64 bits: a signed one in two's complement, so that the same number gives
    /// the same bits whichever way it was written.</summary>
    public bool TryReadBits(out ulong bits)
    {
        bits = 0;
        if (!TryFirst(out var first))
        {
            return false;
        }

        if (first <= 0x7F || first >= 0xE0)
        {
            bits = (ulong)(sbyte)first;
            _position++;
            return true;
        }

        if (first is < 0xCC or > 0xD3)
        {
            return Fail(MessagePackStatus.WrongType);
        }

        var width = 1 << (first & 3);
        if (_data.Length - _position <= width)
        {
            return Fail(MessagePackStatus.Truncated);
        }

        var from = _data[(_position + 1)..];
        bits = first switch
        {
            0xCC => from[0],
            0xCD => BinaryPrimitives.ReadUInt16BigEndian(from),
            0xCE => BinaryPrimitives.ReadUInt32BigEndian(from),
            0xD0 => (ulong)(sbyte)from[0],
            0xD1 => (ulong)BinaryPrimitives.ReadInt16BigEndian(from),
            0xD2 => (ulong)BinaryPrimitives.ReadInt32BigEndian(from),
            _ => BinaryPrimitives.ReadUInt64BigEndian(from),
        };
        _position += 1 + width;
        return true;
    }

    /// <summary>Reads a whole number from −2⁶³ to 2⁶³ − 1.</summary>
    public bool TryReadInt64(out long value)
    {
        var isUnsigned = _position < _data.Length && _data[_position] == 0xCF;
        var isRead = TryReadBits(out var bits);
        value = (long)bits;
        return isRead && (!isUnsigned || value >= 0 || Fail(MessagePackStatus.WrongType));
    }

    /// <summary>Reads a number of any kind as a floating-point one.</summary>
    public bool TryReadDouble(out double value)
    {
        value = 0;
        if (Next != MessagePackType.Float)
        {
            var isRead = TryReadInt64(out var whole);
            value = whole;
            return isRead;
        }

        var width = _data[_position] == 0xCA ? 4 : 8;
        if (_data.Length - _position <= width)
        {
            return Fail(MessagePackStatus.Truncated);
        }

        var from = _data[(_position + 1)..];
        value = width == 4 ? BinaryPrimitives.ReadSingleBigEndian(from) : BinaryPrimitives.ReadDoubleBigEndian(from);
        _position += 1 + width;
        return true;
    }

    /// <summary>Reads a text as the bytes it has; whether they are UTF-8 is not looked at.</summary>
    public bool TryReadText(out ReadOnlySpan<byte> text) => TryReadBody(MessagePackType.Text, out text);

    /// <summary>Reads a string of bytes.</summary>
    public bool TryReadBinary(out ReadOnlySpan<byte> bytes) => TryReadBody(MessagePackType.Binary, out bytes);

    /// <summary>Reads as many whole numbers as <paramref name="into"/> holds, each from 0 to 2³² − 1.</summary>
    public bool TryReadRun(Span<uint> into)
    {
        var bytes = Status == MessagePackStatus.Ok ? IntegerRun.Read(_data[_position..], into) : -1;
        _position += Math.Max(0, bytes);
        return bytes >= 0 || Fail(MessagePackStatus.WrongType);
    }

    /// <summary>Steps over the next value, whatever it is and holds.</summary>
    public bool TrySkip()
    {
        for (long values = 1; values > 0; values--)
        {
            if (!TryFirst(out var first))
            {
                return false;
            }

            var size = MessagePackFormat.Sizes[first];
            if (size > 0)
            {
                if (!TryAdvance(size))
                {
                    return false;
                }

                continue;
            }

            var count = 0;
            var isRead = MessagePackFormat.TypeOf(first) switch
            {
                MessagePackType.Array => TryReadArray(out count),
                MessagePackType.Map => TryReadMap(out count),
                MessagePackType.None => Fail(MessagePackStatus.Reserved),
                _ => TryReadBody(out _),
            };
            if (!isRead)
            {
                return false;
            }

            values += MessagePackFormat.TypeOf(first) == MessagePackType.Map ? 2L * count : count;
        }

        return true;
    }

    private bool TryReadBody(MessagePackType type, out ReadOnlySpan<byte> body)
    {
        body = default;
        return Next == type
            ? TryReadBody(out body)
            : Fail(Next == MessagePackType.None ? MessagePackStatus.Truncated : MessagePackStatus.WrongType);
    }

    private bool TryReadBody(out ReadOnlySpan<byte> body)
    {
        body = default;
        var first = _data[_position];
        var length = first switch
        {
            <= 0xBF => Take(1, first & 0x1F, out var said) ? said : -1,
            0xC4 or 0xD9 => TryLength(1, 0, out var said) ? said : -1,
            0xC5 or 0xDA => TryLength(2, 0, out var said) ? said : -1,
            0xC6 or 0xDB => TryLength(4, 0, out var said) ? said : -1,
            >= 0xC7 and <= 0xC9 => TryLength(1 << (first - 0xC7), 1, out var said) ? said : -1,
            _ => Take(1, 1 + (1 << (first - 0xD4)), out var said) ? said : -1,
        };
        var from = _position;
        if (length < 0 || !TryAdvance(length))
        {
            return false;
        }

        body = _data.Slice(from, length);
        return true;
    }

    // An item takes a byte at least, so a count beyond the bytes left is a lie, and is found out before it is used.
    private bool TryCount(int width, out int count) =>
        TryLength(width, 0, out count) && (count <= _data.Length - _position || Fail(MessagePackStatus.Truncated));

    private bool TryLength(int width, int more, out int length)
    {
        length = 0;
        if (_data.Length - _position <= width)
        {
            return Fail(MessagePackStatus.Truncated);
        }

        var from = _data[(_position + 1)..];
        var said = width switch
        {
            1 => from[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(from),
            _ => BinaryPrimitives.ReadUInt32BigEndian(from),
        };
        if (said > int.MaxValue - 16)
        {
            return Fail(MessagePackStatus.Truncated);
        }

        length = (int)said + more;
        _position += 1 + width;
        return true;
    }

    private bool TryFirst(out byte first)
    {
        if (Status != MessagePackStatus.Ok || _position >= _data.Length)
        {
            first = 0;
            return Fail(MessagePackStatus.Truncated);
        }

        first = _data[_position];
        return true;
    }

    private bool TryAdvance(int bytes)
    {
        var isThere = _data.Length - _position >= bytes;
        _position += isThere ? bytes : 0;
        return isThere || Fail(MessagePackStatus.Truncated);
    }

    private bool Take(int bytes, int value, out int result)
    {
        _position += bytes;
        result = value;
        return true;
    }

    private bool Fail(MessagePackStatus status)
    {
        Status = Status == MessagePackStatus.Ok ? status : Status;
        return false;
    }
}
