using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Tests.Shared;
using Penstock.Wire.Zmtp;

namespace Penstock.Wire.Tests.Zmtp;

public sealed class ZmtpPeerTests
{
    // What libzmq 4.3.4 sends as a PUB socket: its greeting and READY.
    private static readonly byte[] s_libzmqPub = Convert.FromHexString(
        "FF00000000000000017F03014E554C4C" + new string('0', 96) +
        "04190552454144590B536F636B65742D5479706500000003505542");

    [Fact]
    public void Two_peers_shake_hands_and_exchange_messages()
    {
        using var sub = new ZmtpPeer(ZmtpSocketType.Sub);
        using var pub = new ZmtpPeer(ZmtpSocketType.Pub);
        var toPub = new ArrayBufferWriter<byte>();
        var toSub = new ArrayBufferWriter<byte>();
        ZmtpPeer.Start(toPub);
        ZmtpPeer.Start(toSub);
        Assert.Equal("", Exchange(sub, toSub, toPub));
        Assert.Equal("Ready", Exchange(pub, toPub, toSub));
        Assert.Equal("Ready", Exchange(sub, toSub, toPub));
        Assert.Equal(ZmtpSocketType.Pub, sub.PeerType);
        Assert.True(sub.TakesCommands);

        ZmtpWriter.Subscribe(toPub, "kv@"u8, asCommand: true);
        ZmtpWriter.Subscribe(toPub, ""u8, asCommand: false);
        ZmtpWriter.Cancel(toPub, "kv@"u8, asCommand: true);
        ZmtpWriter.Cancel(toPub, "x"u8, asCommand: false);
        Assert.Equal("Subscribed kv@; Subscribed ; Cancelled kv@; Cancelled x", Exchange(pub, toPub, toSub));

        ZmtpWriter.Frame(toSub, "kv@a"u8, isLast: false);
        ZmtpWriter.Frame(toSub, new byte[300], isLast: true);
        ZmtpWriter.Ping(toSub, 10);
        ZmtpWriter.Frame(toSub, default, isLast: true);
        Assert.Equal("Message 4,300; Message 0", Exchange(sub, toSub, toPub));
        Assert.Equal("0504504F4E47", Convert.ToHexString(toPub.WrittenSpan[1..]));
        Assert.Equal("", Exchange(pub, toPub, toSub));
    }

    [Fact]
    public void Sends_back_the_context_of_a_ping()
    {
        using var sub = Ready(ZmtpSocketType.Sub);
        var output = new ArrayBufferWriter<byte>();
        sub.Feed([0x04, 0x0A, 0x04, .. "PING"u8, 0x00, 0x64, .. "abc"u8]);
        Assert.Equal(ZmtpInput.NeedsMore, sub.Read(output));
        Assert.Equal([0x04, 0x08, 0x04, .. "PONG"u8, .. "abc"u8], output.WrittenSpan.ToArray());
        Assert.False(sub.HasPartial);
    }

    [Fact]
    public void Reads_the_same_however_the_bytes_are_cut()
    {
        var stream = new ArrayBufferWriter<byte>();
        stream.Write(s_libzmqPub);
        ZmtpWriter.Frame(stream, "topic"u8, isLast: false);
        ZmtpWriter.Frame(stream, new byte[8], isLast: false);
        ZmtpWriter.Frame(stream, new byte[259], isLast: true);
        ZmtpWriter.Ping(stream, 0);
        ZmtpWriter.Frame(stream, "last"u8, isLast: true);
        var bytes = stream.WrittenSpan.ToArray();
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            using var sub = new ZmtpPeer(ZmtpSocketType.Sub);
            var output = new ArrayBufferWriter<byte>();
            sub.Feed(bytes.AsSpan(0, cut));
            var first = Text(sub, output);
            sub.Feed(bytes.AsSpan(cut));
            var all = string.Join("; ", new[] { first, Text(sub, output) }.Where(t => t.Length > 0));
            Assert.Equal("Ready; Message 5,8,259; Message 4", all);
        }

        using var slow = new ZmtpPeer(ZmtpSocketType.Sub);
        var seen = new StringBuilder();
        foreach (var b in bytes)
        {
            slow.Feed([b]);
            seen.Append(Text(slow, new ArrayBufferWriter<byte>()));
        }

        Assert.Equal("ReadyMessage 5,8,259Message 4", seen.ToString());
    }

    [Theory]
    [InlineData("00", ZmtpFault.NotZmtp)]
    [InlineData("474554202F", ZmtpFault.NotZmtp)]
    [InlineData("FF000000000000000000", ZmtpFault.NotZmtp)]
    [InlineData("FF00000000000000017F01", ZmtpFault.OldVersion)]
    [InlineData("FF00000000000000017F0300504C41494E000000000000000000000000000000", ZmtpFault.OtherMechanism)]
    public void Gives_up_a_wrong_greeting_as_soon_as_it_can(string greeting, ZmtpFault fault)
    {
        using var sub = new ZmtpPeer(ZmtpSocketType.Sub);
        var bytes = Convert.FromHexString(greeting);
        var output = new ArrayBufferWriter<byte>();
        sub.Feed(bytes.AsSpan(0, bytes.Length - 1));
        var before = sub.Read(output);
        sub.Feed(bytes.AsSpan(bytes.Length - 1));
        Assert.Equal(ZmtpInput.Failed, sub.Read(output));
        Assert.Equal(fault, sub.Fault);
        Assert.True(before == ZmtpInput.NeedsMore || greeting[0] != 'F' || fault == ZmtpFault.OtherMechanism);
        Assert.Equal(0, output.WrittenCount);
    }

    [Theory]
    [InlineData("04190552454144590B536F636B65742D5479706500000003535542", ZmtpFault.WrongSocketType)]
    [InlineData("0406055245414459", ZmtpFault.WrongSocketType)]
    [InlineData("0408054552524F520161", ZmtpFault.BadHandshake)]
    [InlineData("04190552454144590B536F636B65742D54797065FFFFFFFF505542", ZmtpFault.BadHandshake)]
    [InlineData("0003616263", ZmtpFault.BadHandshake)]
    [InlineData("0400", ZmtpFault.BadHandshake)]
    [InlineData("0505", ZmtpFault.BadFrame)]
    [InlineData("0605", ZmtpFault.None)]
    [InlineData("060000000000100000", ZmtpFault.TooLarge)]
    public void Gives_up_a_wrong_handshake(string ready, ZmtpFault fault)
    {
        using var sub = new ZmtpPeer(ZmtpSocketType.Sub);
        sub.Feed(s_libzmqPub.AsSpan(0, 64));
        sub.Feed(Convert.FromHexString(ready));
        Assert.Equal(
            fault == ZmtpFault.None ? ZmtpInput.NeedsMore : ZmtpInput.Failed, sub.Read(new ArrayBufferWriter<byte>()));
        Assert.Equal(fault, sub.Fault);
    }

    [Theory]
    [InlineData("08", ZmtpFault.BadFrame)]
    [InlineData("0101610401", ZmtpFault.BadFrame)]
    [InlineData("02000000000000040000", ZmtpFault.TooLarge)]
    [InlineData("028000000000000000", ZmtpFault.TooLarge)]
    [InlineData("01000100010001000100", ZmtpFault.TooManyFrames)]
    [InlineData("0403045049", ZmtpFault.BadCommand)]
    [InlineData("040504" + "50494E47", ZmtpFault.BadCommand)]
    public void Gives_up_a_peer_that_breaks_the_rules(string bytes, ZmtpFault fault)
    {
        using var sub = Ready(ZmtpSocketType.Sub, new ZmtpLimits { FramesMax = 4, MessageBytesMax = 1_000 });
        sub.Feed(Convert.FromHexString(bytes));
        Assert.Equal(ZmtpInput.Failed, sub.Read(new ArrayBufferWriter<byte>()));
        Assert.Equal(fault, sub.Fault);
        Assert.Equal(ZmtpInput.Failed, sub.Read(new ArrayBufferWriter<byte>()));
    }

    [Fact]
    public void Counts_all_frames_of_a_message_against_its_limit()
    {
        using var sub = Ready(ZmtpSocketType.Sub, new ZmtpLimits { MessageBytesMax = 1_000 });
        var bytes = new ArrayBufferWriter<byte>();
        ZmtpWriter.Frame(bytes, new byte[600], isLast: false);
        ZmtpWriter.Frame(bytes, new byte[400], isLast: true);
        sub.Feed(bytes.WrittenSpan);
        Assert.Equal(ZmtpInput.Failed, sub.Read(bytes));
        Assert.Equal(ZmtpFault.TooLarge, sub.Fault);
    }

    [Fact]
    public void Holds_memory_for_what_came_and_not_for_what_was_announced()
    {
        using var sub = Ready(ZmtpSocketType.Sub, new ZmtpLimits { MessageBytesMax = int.MaxValue });
        sub.Feed([0x02, 0, 0, 0, 0, 0x70, 0, 0, 0]);
        Assert.Equal(ZmtpInput.NeedsMore, sub.Read(new ArrayBufferWriter<byte>()));
        Assert.True(sub.Free().Length < 64 * 1024);
    }

    [Fact]
    public void Allocates_nothing_per_message()
    {
        using var sub = Ready(ZmtpSocketType.Sub);
        var message = new ArrayBufferWriter<byte>();
        for (var i = 0; i < 20; i++)
        {
            ZmtpWriter.Frame(message, "topic"u8, isLast: false);
            ZmtpWriter.Frame(message, new byte[5_000], isLast: true);
        }

        var output = new ArrayBufferWriter<byte>();
        var messages = 0;
        Assert.Equal(0, Allocation.Of(() =>
        {
            sub.Feed(message.WrittenSpan);
            while (sub.Read(output) == ZmtpInput.Message)
            {
                messages++;
            }
        }));
        Assert.Equal(5 * 20, messages);
    }

    [Fact]
    public void Survives_any_bytes_after_the_handshake() => Prop.ForAll<byte[]>(bytes =>
    {
        using var pub = Ready(ZmtpSocketType.Pub);
        var output = new ArrayBufferWriter<byte>();
        pub.Feed(bytes);
        for (var i = 0; i <= bytes.Length; i++)
        {
            var found = pub.Read(output);
            if (found is ZmtpInput.Subscribed or ZmtpInput.Cancelled)
            {
                _ = pub.Topic.Length;
            }

            if (found is ZmtpInput.NeedsMore or ZmtpInput.Failed)
            {
                return true;
            }
        }

        return false;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Survives_mutations_of_a_whole_conversation()
    {
        var stream = new ArrayBufferWriter<byte>();
        stream.Write(s_libzmqPub);
        ZmtpWriter.Frame(stream, "t"u8, isLast: false);
        ZmtpWriter.Frame(stream, new byte[8], isLast: true);
        ZmtpWriter.Ping(stream, 0);
        Mutations.Survives(stream.WrittenSpan.ToArray(), bytes =>
        {
            using var sub = new ZmtpPeer(ZmtpSocketType.Sub);
            sub.Feed(bytes);
            Text(sub, new ArrayBufferWriter<byte>());
        });
    }

    private static ZmtpPeer Ready(ZmtpSocketType type, ZmtpLimits? limits = null)
    {
        var peer = new ZmtpPeer(type, limits);
        var other = new ArrayBufferWriter<byte>();
        ZmtpWriter.Greeting(other);
        ZmtpWriter.Ready(other, type == ZmtpSocketType.Sub ? ZmtpSocketType.Pub : ZmtpSocketType.Sub, default);
        peer.Feed(other.WrittenSpan);
        Assert.Equal(ZmtpInput.Ready, peer.Read(new ArrayBufferWriter<byte>()));
        return peer;
    }

    private static string Exchange(ZmtpPeer peer, ArrayBufferWriter<byte> input, ArrayBufferWriter<byte> output)
    {
        peer.Feed(input.WrittenSpan);
        input.ResetWrittenCount();
        return Text(peer, output);
    }

    private static string Text(ZmtpPeer peer, ArrayBufferWriter<byte> output)
    {
        var texts = new List<string>();
        while (peer.Read(output) is var found and not ZmtpInput.NeedsMore)
        {
            texts.Add(found switch
            {
                ZmtpInput.Message => "Message " + string.Join(
                    ',', Enumerable.Range(0, peer.FrameCount).Select(i => peer.Frame(i).Length)),
                ZmtpInput.Subscribed or ZmtpInput.Cancelled => $"{found} {Encoding.UTF8.GetString(peer.Topic)}",
                _ => found.ToString(),
            });
            if (found == ZmtpInput.Failed)
            {
                break;
            }
        }

        return string.Join("; ", texts);
    }
}
