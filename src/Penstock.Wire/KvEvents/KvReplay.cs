using System.Buffers;
using Penstock.Core.KvSync;
using Penstock.Wire.Zmtp;

namespace Penstock.Wire.KvEvents;

/// <summary>
/// The replay socket of a publisher, a ROUTER: asked for a number, it sends every batch it still has from that number
/// on, and an end. Requests and answers begin with an empty delimiter. Answers are read as a <see cref="KvMessage"/>.
/// </summary>
public static class KvReplay
{
    /// <summary>Asks for all batches from <paramref name="from"/> on, as a DEALER or a REQ does.</summary>
    public static void WriteRequest(IBufferWriter<byte> output, ulong from)
    {
        ZmtpWriter.Frame(output, default, isLast: false);
        KvMessage.WriteNumber(output, from, isLast: true);
    }

    /// <summary>Reads a request; false where the message is none.</summary>
    public static bool TryReadRequest(ZmtpPeer peer, out ulong from)
    {
        from = 0;
        return peer.FrameCount == 2 && peer.Frame(0).IsEmpty && KvMessage.TryReadNumber(peer.Frame(1), out from);
    }

    /// <summary>Writes one batch of an answer.</summary>
    /// <param name="output">Where the bytes go.</param>
    /// <param name="hasTopic">As vLLM since v0.26; false: as vLLM before it, and SGLang.</param>
    /// <param name="topic">The topic of the publisher.</param>
    /// <param name="number">The number of the batch.</param>
    /// <param name="payload">The batch.</param>
    public static void WriteBatch(
        IBufferWriter<byte> output, bool hasTopic, ReadOnlySpan<byte> topic, ulong number, ReadOnlySpan<byte> payload)
    {
        ZmtpWriter.Frame(output, default, isLast: false);
        if (hasTopic)
        {
            ZmtpWriter.Frame(output, topic, isLast: false);
        }

        KvMessage.WriteNumber(output, number, isLast: false);
        ZmtpWriter.Frame(output, payload, isLast: true);
    }

    /// <summary>Writes the end of an answer.</summary>
    public static void WriteEnd(IBufferWriter<byte> output, bool hasTopic) =>
        WriteBatch(output, hasTopic, default, KvSequence.End, default);
}
