using System.Buffers;
using System.Buffers.Binary;
using Penstock.Core.KvSync;
using Penstock.Wire.Zmtp;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// What a publisher sends as one message: three frames, topic, number (8 bytes, big-endian), payload. A replay sends
/// the same behind an empty delimiter, in vLLM up to v0.25 and in SGLang without the topic. In all of them the number
/// is the last but one, which is how they are told apart from anything else. Spans belong to the peer that was read.
/// </summary>
public readonly ref struct KvMessage
{
    private const int NumberBytes = 8;

    private KvMessage(ReadOnlySpan<byte> topic, ulong number, ReadOnlySpan<byte> payload)
    {
        Topic = topic;
        Number = number;
        Payload = payload;
    }

    /// <summary>The topic; empty also where the message has no place for one.</summary>
    public ReadOnlySpan<byte> Topic { get; }

    /// <summary>The publisher's number of the batch, from 0 in each process.</summary>
    public ulong Number { get; }

    /// <summary>The batch.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>True where this is not a batch but the end of a replay.</summary>
    public bool IsEnd => Number == KvSequence.End && Payload.IsEmpty;

    /// <summary>Reads the message that <paramref name="peer"/> has found; false where it is none of these.</summary>
    public static bool TryRead(ZmtpPeer peer, out KvMessage message)
    {
        message = default;
        var frames = peer.FrameCount;
        if (frames is < 2 or > 4 || peer.Frame(frames - 2).Length != NumberBytes)
        {
            return false;
        }

        var number = BinaryPrimitives.ReadUInt64BigEndian(peer.Frame(frames - 2));
        message = new KvMessage(frames > 2 ? peer.Frame(frames - 3) : default, number, peer.Frame(frames - 1));
        return number != KvSequence.End || message.IsEnd;
    }

    /// <summary>Writes a batch as a publisher does.</summary>
    public static void Write(
        IBufferWriter<byte> output, ReadOnlySpan<byte> topic, ulong number, ReadOnlySpan<byte> payload)
    {
        ZmtpWriter.Frame(output, topic, isLast: false);
        WriteNumber(output, number, isLast: false);
        ZmtpWriter.Frame(output, payload, isLast: true);
    }

    internal static void WriteNumber(IBufferWriter<byte> output, ulong number, bool isLast)
    {
        Span<byte> bytes = stackalloc byte[NumberBytes];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        ZmtpWriter.Frame(output, bytes, isLast);
    }

    internal static bool TryReadNumber(ReadOnlySpan<byte> frame, out ulong number)
    {
        number = 0;
        return frame.Length == NumberBytes && BinaryPrimitives.TryReadUInt64BigEndian(frame, out number);
    }
}
