using System.Buffers;
using System.Buffers.Binary;

namespace Penstock.Wire.Zmtp;

/// <summary>
/// Writes the bytes of ZMTP 3.1 with the NULL mechanism (https://rfc.zeromq.org/spec/37/). Stateless; safe from any
/// thread.
/// </summary>
public static class ZmtpWriter
{
    /// <summary>Bytes of a greeting.</summary>
    public const int GreetingBytes = 64;

    internal const byte More = 1;
    internal const byte Long = 2;
    internal const byte Command = 4;

    /// <summary>Bytes of the head of a frame at most.</summary>
    private const int HeadBytesMax = 9;

    /// <summary>The greeting: what both sides send first, at once.</summary>
    public static void Greeting(IBufferWriter<byte> output)
    {
        var span = output.GetSpan(GreetingBytes)[..GreetingBytes];
        span.Clear();
        span[0] = 0xFF;
        span[9] = 0x7F;
        span[10] = 3;
        span[11] = 1;
        "NULL"u8.CopyTo(span[12..]);
        output.Advance(GreetingBytes);
    }

    /// <summary>The READY command, which each side sends after the other's greeting.</summary>
    public static void Ready(IBufferWriter<byte> output, ZmtpSocketType type, ReadOnlySpan<byte> identity)
    {
        var name = ZmtpSocketTypes.NameOf(type);
        // Types that can be routed to name an identity, even an empty one.
        var hasIdentity = type is ZmtpSocketType.Req or ZmtpSocketType.Dealer or ZmtpSocketType.Router;
        var size = 6 + PropertyBytes("Socket-Type"u8, name) +
            (hasIdentity ? PropertyBytes("Identity"u8, identity) : 0);
        Head(output, Command, size);
        CommandName(output, "READY"u8);
        Property(output, "Socket-Type"u8, name);
        if (hasIdentity)
        {
            Property(output, "Identity"u8, identity);
        }
    }

    /// <summary>One frame of a message.</summary>
    /// <param name="output">Where the bytes go.</param>
    /// <param name="body">What the frame holds.</param>
    /// <param name="isLast">False: more frames of this message follow.</param>
    public static void Frame(IBufferWriter<byte> output, ReadOnlySpan<byte> body, bool isLast)
    {
        Head(output, isLast ? (byte)0 : More, body.Length);
        output.Write(body);
    }

    /// <summary>The head of a frame whose <paramref name="length"/> bytes the caller writes next.</summary>
    public static void FrameHead(IBufferWriter<byte> output, int length, bool isLast) =>
        Head(output, isLast ? (byte)0 : More, length);

    /// <summary>Asks for what begins with <paramref name="topic"/>.</summary>
    /// <param name="output">Where the bytes go.</param>
    /// <param name="topic">The prefix; empty for everything.</param>
    /// <param name="asCommand">As peers of ZMTP 3.1 do; false: as a message, which is all that 3.0 knows.</param>
    public static void Subscribe(IBufferWriter<byte> output, ReadOnlySpan<byte> topic, bool asCommand) =>
        Subscription(output, "SUBSCRIBE"u8, 1, topic, asCommand);

    /// <summary>Takes back a <see cref="Subscribe"/>.</summary>
    public static void Cancel(IBufferWriter<byte> output, ReadOnlySpan<byte> topic, bool asCommand) =>
        Subscription(output, "CANCEL"u8, 0, topic, asCommand);

    /// <summary>Asks the peer for a sign of life.</summary>
    /// <param name="output">Where the bytes go.</param>
    /// <param name="tenths">Tenths of a second after which we may be given up; 0: never.</param>
    public static void Ping(IBufferWriter<byte> output, ushort tenths)
    {
        Head(output, Command, 7);
        CommandName(output, "PING"u8);
        BinaryPrimitives.WriteUInt16BigEndian(output.GetSpan(2), tenths);
        output.Advance(2);
    }

    /// <summary>The answer to a PING, with its context sent back.</summary>
    internal static void Pong(IBufferWriter<byte> output, ReadOnlySpan<byte> context)
    {
        Head(output, Command, 5 + context.Length);
        CommandName(output, "PONG"u8);
        output.Write(context);
    }

    private static void Subscription(
        IBufferWriter<byte> output, ReadOnlySpan<byte> name, byte mark, ReadOnlySpan<byte> topic, bool asCommand)
    {
        if (asCommand)
        {
            Head(output, Command, 1 + name.Length + topic.Length);
            CommandName(output, name);
        }
        else
        {
            Head(output, 0, 1 + topic.Length);
            Byte(output, mark);
        }

        output.Write(topic);
    }

    private static void Head(IBufferWriter<byte> output, byte flags, int length)
    {
        var span = output.GetSpan(HeadBytesMax);
        if (length <= byte.MaxValue)
        {
            span[0] = flags;
            span[1] = (byte)length;
            output.Advance(2);
            return;
        }

        span[0] = (byte)(flags | Long);
        BinaryPrimitives.WriteUInt64BigEndian(span[1..], (ulong)length);
        output.Advance(HeadBytesMax);
    }

    private static int PropertyBytes(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        1 + name.Length + 4 + value.Length;

    private static void Property(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        CommandName(output, name);
        BinaryPrimitives.WriteUInt32BigEndian(output.GetSpan(4), (uint)value.Length);
        output.Advance(4);
        output.Write(value);
    }

    // Names of commands and of properties alike: a length, then the letters.
    private static void CommandName(IBufferWriter<byte> output, ReadOnlySpan<byte> name)
    {
        Byte(output, (byte)name.Length);
        output.Write(name);
    }

    private static void Byte(IBufferWriter<byte> output, byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }
}
