using System.Buffers.Binary;

namespace Penstock.Wire.MessagePack;

/// <summary>Many whole numbers one after the other, read without a call for each.</summary>
internal static class IntegerRun
{
    /// <summary>Fills <paramref name="into"/> with numbers from 0 to 2³² − 1.</summary>
    /// <returns>Bytes read; −1 where the bytes end or hold something else.</returns>
    public static int Read(ReadOnlySpan<byte> data, Span<uint> into)
    {
        var at = 0;
        for (var i = 0; i < into.Length; i++)
        {
            if (at >= data.Length)
            {
                return -1;
            }

            var first = data[at];
            if (first <= 0x7F)
            {
                into[i] = first;
                at++;
            }
            else if (first == 0xCD && data.Length - at > 2)
            {
                into[i] = BinaryPrimitives.ReadUInt16BigEndian(data[(at + 1)..]);
                at += 3;
            }
            else if (first == 0xCE && data.Length - at > 4)
            {
                into[i] = BinaryPrimitives.ReadUInt32BigEndian(data[(at + 1)..]);
                at += 5;
            }
            else
            {
                // Other widths are legal and rare.
                var one = new MessagePackReader(data[at..]);
                if (!one.TryReadInt64(out var value) || value is < 0 or > uint.MaxValue)
                {
                    return -1;
                }

                into[i] = (uint)value;
                at += one.Position;
            }
        }

        return at;
    }
}
