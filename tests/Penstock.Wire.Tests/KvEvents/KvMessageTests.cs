using System.Buffers;
using Penstock.Wire.KvEvents;
using Penstock.Wire.Zmtp;

namespace Penstock.Wire.Tests.KvEvents;

public sealed class KvMessageTests
{
    [Fact]
    public void Reads_live_batches_and_replays_in_both_framings()
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvMessage.Write(bytes, "kv"u8, 1, "one"u8);
        KvReplay.WriteBatch(bytes, hasTopic: false, "kv"u8, 2, "two"u8);
        KvReplay.WriteEnd(bytes, hasTopic: false);
        KvReplay.WriteBatch(bytes, hasTopic: true, "kv"u8, 3, "three"u8);
        KvReplay.WriteEnd(bytes, hasTopic: true);
        Assert.Equal(
            [
                "kv 1 3 False", " 2 3 False", " 18446744073709551615 0 True",
                "kv 3 5 False", " 18446744073709551615 0 True",
            ],
            Read(bytes));
    }

    [Fact]
    public void Takes_nothing_else_for_a_batch()
    {
        var bytes = new ArrayBufferWriter<byte>();
        ZmtpWriter.Frame(bytes, "only"u8, isLast: true);
        ZmtpWriter.Frame(bytes, "topic"u8, isLast: false);
        ZmtpWriter.Frame(bytes, new byte[7], isLast: false);
        ZmtpWriter.Frame(bytes, "payload"u8, isLast: true);
        for (var i = 0; i < 5; i++)
        {
            ZmtpWriter.Frame(bytes, new byte[8], isLast: i == 4);
        }

        // The number of the end with a payload is no batch and no end.
        KvMessage.Write(bytes, "kv"u8, ulong.MaxValue, "x"u8);
        Assert.Equal(["no", "no", "no", "no"], Read(bytes));
    }

    [Fact]
    public void Reads_the_request_that_it_writes()
    {
        var bytes = new ArrayBufferWriter<byte>();
        KvReplay.WriteRequest(bytes, 0x0102030405060708);
        Assert.Equal("01000008" + "0102030405060708", Convert.ToHexString(bytes.WrittenSpan));
        using var router = Peer(ZmtpSocketType.Router, ZmtpSocketType.Dealer, bytes);
        Assert.Equal(ZmtpInput.Message, router.Read(bytes));
        Assert.True(KvReplay.TryReadRequest(router, out var from));
        Assert.Equal(0x0102030405060708UL, from);
    }

    private static List<string> Read(ArrayBufferWriter<byte> bytes)
    {
        using var peer = Peer(ZmtpSocketType.Dealer, ZmtpSocketType.Router, bytes);
        var texts = new List<string>();
        while (peer.Read(new ArrayBufferWriter<byte>()) == ZmtpInput.Message)
        {
            texts.Add(KvMessage.TryRead(peer, out var message)
                ? $"{System.Text.Encoding.UTF8.GetString(message.Topic)} {message.Number} {message.Payload.Length} " +
                    $"{message.IsEnd}"
                : "no");
        }

        return texts;
    }

    private static ZmtpPeer Peer(ZmtpSocketType own, ZmtpSocketType other, ArrayBufferWriter<byte> bytes)
    {
        var peer = new ZmtpPeer(own);
        var start = new ArrayBufferWriter<byte>();
        ZmtpWriter.Greeting(start);
        ZmtpWriter.Ready(start, other, default);
        peer.Feed(start.WrittenSpan);
        Assert.Equal(ZmtpInput.Ready, peer.Read(new ArrayBufferWriter<byte>()));
        peer.Feed(bytes.WrittenSpan);
        return peer;
    }
}
