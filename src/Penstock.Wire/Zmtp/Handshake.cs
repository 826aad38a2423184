using System.Buffers.Binary;

namespace Penstock.Wire.Zmtp;

/// <summary>The first bytes of a peer: the greeting, judged as it comes in, and the properties of READY.</summary>
internal static class Handshake
{
    private const int VersionAt = 10;
    private const int MechanismAt = 12;
    private const int MechanismBytes = 20;

    /// <summary>What is wrong with a greeting, as far as it has come.</summary>
    public static ZmtpFault Judge(ReadOnlySpan<byte> greeting)
    {
        if (greeting.Length > 0 && greeting[0] != 0xFF)
        {
            return ZmtpFault.NotZmtp;
        }

        // Between the two marks are eight bytes of no significance.
        if (greeting.Length >= VersionAt && greeting[VersionAt - 1] != 0x7F)
        {
            return ZmtpFault.NotZmtp;
        }

        if (greeting.Length > VersionAt && greeting[VersionAt] < 3)
        {
            return ZmtpFault.OldVersion;
        }

        if (greeting.Length < MechanismAt + MechanismBytes)
        {
            return ZmtpFault.None;
        }

        var mechanism = greeting.Slice(MechanismAt, MechanismBytes);
        return mechanism.StartsWith("NULL"u8) && mechanism[4..].IndexOfAnyExcept((byte)0) < 0
            ? ZmtpFault.None
            : ZmtpFault.OtherMechanism;
    }

    /// <summary>True where the peer of a whole greeting speaks 3.1 or later.</summary>
    public static bool HasCommands(ReadOnlySpan<byte> greeting) =>
        greeting[VersionAt] > 3 || greeting[VersionAt + 1] > 0;

    /// <summary>Splits a command into name and data.</summary>
    public static bool TrySplit(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> data)
    {
        name = default;
        data = default;
        if (body.IsEmpty || body[0] == 0 || body.Length < 1 + body[0])
        {
            return false;
        }

        name = body.Slice(1, body[0]);
        data = body[(1 + body[0])..];
        return true;
    }

    /// <summary>Reads the properties of READY; names are told apart without regard to case.</summary>
    public static bool TryReadProperties(ReadOnlySpan<byte> data, out ZmtpSocketType type)
    {
        type = ZmtpSocketType.Other;
        while (!data.IsEmpty)
        {
            if (!TrySplit(data, out var name, out data) || data.Length < 4)
            {
                return false;
            }

            var length = BinaryPrimitives.ReadUInt32BigEndian(data);
            if (length > (uint)(data.Length - 4))
            {
                return false;
            }

            if (System.Text.Ascii.EqualsIgnoreCase(name, "Socket-Type"u8))
            {
                type = ZmtpSocketTypes.Read(data.Slice(4, (int)length));
            }

            data = data[(4 + (int)length)..];
        }

        return true;
    }
}
