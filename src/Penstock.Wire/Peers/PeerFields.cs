using System.Buffers.Binary;
using System.Text;

namespace Penstock.Wire.Peers;

/// <summary>The fields of a payload, one after the other. A field that is not there or is none makes it
/// <see cref="Bad"/>, and so are all after it.</summary>
internal ref struct PeerFields(ReadOnlySpan<byte> payload)
{
    private ReadOnlySpan<byte> _rest = payload;

    /// <summary>Something could not be read.</summary>
    public bool Bad { get; private set; }

    /// <summary>What comes after the fields read so far.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public ulong Number()
    {
        var value = 0UL;
        for (var i = 0; i < _rest.Length && i < 10; i++)
        {
            var b = _rest[i];
            if (i == 9 && b > 1)
            {
                break;
            }

            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }

        return Fail();
    }

    public ulong Hash()
    {
        if (_rest.Length < sizeof(ulong))
        {
            return Fail();
        }

        var hash = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
        _rest = _rest[sizeof(ulong)..];
        return hash;
    }

    /// <summary>A name of printable ASCII without spaces; empty where it is none.</summary>
    public string Name()
    {
        var length = Number();
        if (Bad || length is 0 or > PeerFormat.NameBytesMax || length > (ulong)_rest.Length
            || _rest[..(int)length].ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            Fail();
            return "";
        }

        var name = Encoding.ASCII.GetString(_rest[..(int)length]);
        _rest = _rest[(int)length..];
        return name;
    }

    private ulong Fail()
    {
        Bad = true;
        _rest = default;
        return 0;
    }
}
