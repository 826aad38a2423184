using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;
using Penstock.Tests.Shared;
using Penstock.Wire.Peers;

namespace Penstock.Wire.Tests.Peers;

public class PeerStreamTests
{
    private static readonly string[] Said =
    [
        "hello gw-1 42", "heartbeat 1000", "load p/a 3 4096 300", "prefix p/a 11,12,13",
        "prefix p/b 11,12,13,14", "answered p/b 701 30 2800 99 11,12,13,14",
        "answered p/a 640 1 2560 98 11,12,13", "lost p/b", "heartbeat 1000", "prefix p/a 11", "goodbye",
    ];

    [Fact]
    public void Every_frame_reads_back_as_it_was_written()
    {
        var heard = new HeardFrames();
        Assert.Equal(PeerFailure.None, Read(new PeerDecoder(), Conversation(), heard));
        Assert.Equal(Said, heard.Lines);
    }

    [Fact]
    public void The_bytes_of_the_format_are_these()
    {
        var batch = new PeerBatch(1024);
        batch.TryHello(300, "n");
        batch.TryHeartbeat(1);
        batch.TryReplica(0, "p", "r");
        batch.TryLoad(0, 2, 128, 0);
        batch.TryPrefix(0, [0x0102030405060708]);
        batch.TryPrefix(0, [0x0102030405060708, 1]);
        Assert.Equal(
            "01050000" + "02AC02016E" + "02010000" + "01" + "03050000" + "0001700172" + "04050000" + "0002800100"
            + "050A0000" + "0000" + "0807060504030201"
            + "05130000" + "000101" + "0807060504030201" + "0100000000000000",
            Convert.ToHexString(batch.Bytes.Span));
    }

    [Fact]
    public void An_answer_is_told_only_of_a_chain_that_the_peer_has_and_adds_none()
    {
        var batch = new PeerBatch(1024);
        batch.TryHello(1, "n");
        batch.TryReplica(0, "p", "r");
        batch.TryPrefix(0, [1, 2]);
        var (known, other) = (new PeerAnswer(2, 2, 130, 7, 520, 255), new PeerAnswer(2, 3, 130, 7, 520, 255));
        Assert.True(batch.Knows(in known));
        Assert.False(batch.Knows(in other));
        Assert.False(batch.TryAnswered(0, in other));
        var before = batch.Bytes.Length;
        Assert.True(batch.TryAnswered(0, in known));
        Assert.Equal(
            "09180000" + "008201078804" + "FF00000000000000" + "0201" + "0200000000000000",
            Convert.ToHexString(batch.Bytes.Span[before..]));
        batch.TryPrefix(0, [1, 2, 3]);
        var heard = new HeardFrames();
        Assert.Equal(PeerFailure.None, Read(new PeerDecoder(), batch.Bytes.ToArray(), heard));
        Assert.Equal("prefix p/r 1,2,3", heard.Lines[^1]);
    }

    [Theory]
    [InlineData("0001010100000000000000000101" + "0B00000000000000", PeerFailure.Absurd)] // A hash of 0.
    [InlineData("0001010101000000000000000101" + "0C00000000000000", PeerFailure.UnknownBlocks)]
    [InlineData("0001010101000000000000000202" + "0B00000000000000", PeerFailure.UnknownBlocks)]
    [InlineData("00010101010000000000000000", PeerFailure.Absurd)] // No blocks at all.
    [InlineData("000101010100000000000000", PeerFailure.Malformed)]
    [InlineData("0501010101000000000000000101" + "0B00000000000000", PeerFailure.UnknownReplica)]
    [InlineData("00FFFFFFFFFFFF010101" + "01000000000000000101" + "0B00000000000000", PeerFailure.Absurd)]
    public void An_answer_that_no_gateway_would_tell_ends_the_stream(string payload, PeerFailure failure)
    {
        var batch = new PeerBatch(1024);
        batch.TryHello(1, "n");
        batch.TryReplica(0, "p", "r");
        batch.TryPrefix(0, [11]);
        var bytes = Convert.FromHexString(payload);
        byte[] stream = [.. batch.Bytes.Span, 9, (byte)bytes.Length, 0, 0, .. bytes];
        var heard = new HeardFrames();
        Assert.Equal(failure, Read(new PeerDecoder(), stream, heard));
        Assert.Equal(2, heard.Lines.Count);
    }

    [Fact]
    public void A_stream_says_the_same_wherever_it_is_cut()
    {
        var bytes = Conversation();
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var heard = new HeardFrames();
            var decoder = new PeerDecoder();
            Assert.Equal(PeerFailure.None, Read(decoder, bytes[..cut], heard, out var rest));
            Assert.Equal(PeerFailure.None, Read(decoder, [.. rest, .. bytes[cut..]], heard));
            Assert.Equal(Said, heard.Lines);
        }
    }

    [Fact]
    public void A_frame_spread_over_many_buffers_is_read()
    {
        var heard = new HeardFrames();
        var pieces = Segment.Of(Conversation(), 3);
        Assert.Equal(PeerFailure.None, new PeerDecoder().Read(ref pieces, heard));
        Assert.Equal(Said, heard.Lines);
        Assert.True(pieces.IsEmpty);
    }

    /// <summary>Conversations that grow, fork and are long gone: both ends agree on every chain.</summary>
    [Fact]
    public void Any_history_of_chains_reads_back_whole() => Prop.ForAll<ulong>(seed =>
    {
        var rng = new Rng(seed);
        var batch = new PeerBatch(128 * 1024);
        var decoder = new PeerDecoder();
        var heard = new HeardFrames();
        batch.TryHello(1, "n");
        batch.TryReplica(0, "p", "r");
        List<ulong[]> chains = [[rng.NextUInt64()]];
        for (var turn = 0; turn < 150; turn++)
        {
            var before = chains[rng.NextInt32(chains.Count)];
            var kept = before.AsSpan(0, rng.NextInt32(before.Length + 1)).ToArray();
            ulong[] chain = [.. kept, .. Draw(ref rng, rng.NextInt32(rng.NextInt32(10) == 0 ? 5_000 : 40) + 1)];
            chains.Add(chain[..Math.Min(chain.Length, PeerFormat.BlocksMax)]);
            Assert.True(batch.TryPrefix(0, chain));
            Assert.Equal(PeerFailure.None, Read(decoder, batch.Bytes.ToArray(), heard));
            batch.Clear();
        }

        Assert.Equal(chains.Skip(1), heard.Chains);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_next_turn_of_a_conversation_costs_its_new_blocks()
    {
        var rng = new Rng(7);
        var batch = new PeerBatch(128 * 1024);
        var chain = Draw(ref rng, 1_600);
        batch.TryPrefix(0, chain);
        batch.Clear();
        batch.TryPrefix(0, [.. chain, .. Draw(ref rng, 10)]);
        Assert.InRange(batch.Bytes.Length, 10 * 8, (10 * 8) + 24);

        // A chain that is known whole costs the way to it, and a fork what is after it.
        batch.Clear();
        batch.TryPrefix(0, chain);
        Assert.InRange(batch.Bytes.Length, 1, 24);
        batch.Clear();
        batch.TryPrefix(0, [.. chain[..800], .. Draw(ref rng, 10)]);
        Assert.InRange(batch.Bytes.Length, 10 * 8, (10 * 8) + 24);
    }

    [Fact]
    public void A_chain_whose_beginning_was_overwritten_is_told_anew()
    {
        var rng = new Rng(7);
        var batch = new PeerBatch(128 * 1024);
        var decoder = new PeerDecoder();
        var heard = new HeardFrames();
        var chain = Draw(ref rng, 1_000);
        batch.TryHello(1, "n");
        batch.TryReplica(0, "p", "r");
        batch.TryPrefix(0, chain);
        for (var told = 0; told < ChainWindow.WindowBlocks; told += PeerFormat.BlocksMax)
        {
            Assert.Equal(PeerFailure.None, Read(decoder, batch.Bytes.ToArray(), heard));
            batch.Clear();
            batch.TryPrefix(0, Draw(ref rng, PeerFormat.BlocksMax));
        }

        Assert.Equal(PeerFailure.None, Read(decoder, batch.Bytes.ToArray(), heard));
        batch.Clear();
        batch.TryPrefix(0, [.. chain, 1]);
        Assert.InRange(batch.Bytes.Length, 8_008, 8_032);
        Assert.Equal(PeerFailure.None, Read(decoder, batch.Bytes.ToArray(), heard));
        Assert.Equal([.. chain, 1], heard.Chains[^1]);
    }

    [Fact]
    public void A_chain_of_which_the_end_is_there_and_the_beginning_is_not_is_told_anew()
    {
        var rng = new Rng(7);
        var batch = new PeerBatch(128 * 1024);
        var decoder = new PeerDecoder();
        var heard = new HeardFrames();
        batch.TryHello(1, "n");
        batch.TryReplica(0, "p", "r");
        var chain = Draw(ref rng, 1_000);
        Tell(chain);
        Fill(ChainWindow.WindowBlocks - 10_000);
        chain = [.. chain, .. Draw(ref rng, 10)];
        Assert.InRange(Tell(chain), 80, 300);
        Fill(10_000);
        chain = [.. chain, .. Draw(ref rng, 10)];
        Assert.InRange(Tell(chain), 8_160, 8_190);

        void Fill(int blocks)
        {
            for (var told = 0; told < blocks; told += 1_000)
            {
                Tell(Draw(ref rng, 1_000));
            }
        }

        int Tell(ulong[] blocks)
        {
            Assert.True(batch.TryPrefix(0, blocks));
            var length = batch.Bytes.Length;
            Assert.Equal(PeerFailure.None, Read(decoder, batch.Bytes.ToArray(), heard));
            Assert.Equal(blocks, heard.Chains[^1]);
            batch.Clear();
            return length;
        }
    }

    [Fact]
    public void What_does_not_fit_is_left_out_whole()
    {
        var batch = new PeerBatch(400);
        batch.TryHello(1, "n");
        Assert.False(batch.TryPrefix(0, new ulong[100]));
        Assert.Equal(1, batch.Frames);
        var length = batch.Bytes.Length;
        Assert.False(batch.TryReplica(0, "p", "r"));
        Assert.Equal(length, batch.Bytes.Length);
    }

    [Fact]
    public void Frames_that_are_not_known_are_skipped_and_known_ones_may_grow()
    {
        var heard = new HeardFrames();
        var decoder = new PeerDecoder();
        Assert.Equal(PeerFailure.None, Read(
            decoder,
            Convert.FromHexString("01060000" + "02AC02016EFF" + "C8020000" + "ABCD" + "02020000" + "0199"),
            heard));
        Assert.Equal(["hello n 300", "heartbeat 1"], heard.Lines);
        Assert.Equal(1, decoder.Skipped);
    }

    [Theory]
    [InlineData("01FFFF01", PeerFailure.TooLong)] // 131,071 bytes, of which none has come.
    [InlineData("0A000000", PeerFailure.OutOfOrder)] // No greeting.
    [InlineData("01050000" + "03AC02016E", PeerFailure.OtherVersion)]
    [InlineData("01030000" + "02AC02", PeerFailure.Malformed)]
    [InlineData("01050000" + "0201010A", PeerFailure.None)] // Not whole yet.
    [InlineData("01040000" + "0201010A", PeerFailure.Malformed)] // A name with a line feed.
    [InlineData("010C0000" + "02FFFFFFFFFFFFFFFF7F016E", PeerFailure.None)]
    [InlineData("010D0000" + "02FFFFFFFFFFFFFFFFFF01016E", PeerFailure.Absurd)]
    [InlineData("010D0000" + "02FFFFFFFFFFFFFFFFFF02016E", PeerFailure.Malformed)] // More than 64 bits.
    [InlineData(Greeting + Greeting, PeerFailure.OutOfOrder)]
    [InlineData(Greeting + "02010000" + "05" + "02010000" + "04", PeerFailure.OutOfOrder)]
    [InlineData(Greeting + "03050000" + "0101700172", PeerFailure.UnknownReplica)] // Not the next number.
    [InlineData(Greeting + "06010000" + "00", PeerFailure.UnknownReplica)]
    [InlineData(Greeting + Named + "04060000" + "00C1843D0000", PeerFailure.Absurd)] // 1,000,001 in flight.
    [InlineData(Greeting + Named + "04090000" + "0000818080808040" + "00", PeerFailure.Absurd)] // 2^42 + 1 tokens.
    [InlineData(Greeting + Named + "05020000" + "0000", PeerFailure.Absurd)] // A chain of nothing.
    [InlineData(Greeting + Named + "05030000" + "008120", PeerFailure.Malformed)]
    [InlineData(Greeting + Named + "050C0000" + "00812001" + "0000000000000000", PeerFailure.Absurd)] // 4,097.
    [InlineData(Greeting + Named + "050B0000" + "000101" + "0000000000000000", PeerFailure.UnknownBlocks)]
    [InlineData(Greeting + Named + Chain + "050B0000" + "000101" + "0100000000000000", PeerFailure.None)]
    [InlineData(Greeting + Named + Chain + "050B0000" + "000101" + "0200000000000000", PeerFailure.UnknownBlocks)]
    [InlineData(Greeting + Named + Chain + "050B0000" + "000201" + "0100000000000000", PeerFailure.UnknownBlocks)]
    [InlineData(Greeting + Named + Chain + "050B0000" + "000100" + "0100000000000000", PeerFailure.UnknownBlocks)]
    [InlineData(Greeting + Named + Chain + "050B0000" + "000102" + "0100000000000000", PeerFailure.UnknownBlocks)]
    [InlineData(Greeting + Named + "05090000" + "0000" + "00000000000000", PeerFailure.Malformed)]
    public void What_no_gateway_says_ends_the_stream(string hex, PeerFailure failure) =>
        Assert.Equal(failure, Read(new PeerDecoder(), Convert.FromHexString(hex), new HeardFrames()));

    private const string Greeting = "01050000" + "02AC02016E";
    private const string Named = "03050000" + "0001700172";
    private const string Chain = "050A0000" + "0000" + "0100000000000000";

    [Fact]
    public void No_bytes_whatsoever_are_too_much_for_the_reader() =>
        Mutations.Survives(Conversation(), bytes => Read(new PeerDecoder(), bytes, new HeardFrames()));

    [Fact]
    public void A_stream_names_so_many_replicas_and_no_more()
    {
        var batch = new PeerBatch(8 * 1024 * 1024);
        batch.TryHello(1, "n");
        for (var id = 0; id < PeerFormat.ReplicasMax; id++)
        {
            Assert.True(batch.TryReplica(id, "p", "r"));
        }

        var decoder = new PeerDecoder();
        Assert.Equal(PeerFailure.None, Read(decoder, batch.Bytes.ToArray(), new HeardFrames()));
        batch.Clear();
        batch.TryReplica(PeerFormat.ReplicasMax, "p", "r");
        Assert.Equal(PeerFailure.UnknownReplica, Read(decoder, batch.Bytes.ToArray(), new HeardFrames()));
    }

    [Fact]
    public void Nothing_is_allocated_by_loads_and_chains()
    {
        var rng = new Rng(3);
        var batch = new PeerBatch(128 * 1024);
        var decoder = new PeerDecoder();
        var heard = new SilentFrames();
        batch.TryHello(1, "n");
        batch.TryReplica(0, "p", "r");
        Read(decoder, batch.Bytes.ToArray(), heard);
        var chains = Enumerable.Range(0, 50).Select(_ => Draw(ref rng, 100)).ToArray();
        Assert.Equal(0, Allocation.Of(() =>
        {
            batch.Clear();
            for (var i = 0; i < chains.Length; i++)
            {
                batch.TryHeartbeat(i);
                batch.TryLoad(0, i, i, i);
                batch.TryPrefix(0, chains[i]);
            }
        }));
        var bytes = batch.Bytes;
        batch.Clear();
        Assert.Equal(0, Allocation.Of(() =>
        {
            var sequence = new ReadOnlySequence<byte>(bytes);
            decoder.Read(ref sequence, heard);
        }));
    }

    private static byte[] Conversation()
    {
        var batch = new PeerBatch(4096);
        batch.TryHello(42, "gw-1");
        batch.TryHeartbeat(1000);
        batch.TryReplica(0, "p", "a");
        batch.TryReplica(1, "p", "b");
        batch.TryLoad(0, 3, 4096, 300);
        batch.TryPrefix(0, [11, 12, 13]);
        batch.TryPrefix(1, [11, 12, 13, 14]);
        batch.TryAnswered(1, new PeerAnswer(4, 14, 701, 30, 2_800, 99));
        batch.TryAnswered(0, new PeerAnswer(3, 13, 640, 1, 2_560, 98));
        batch.TryCacheLost(1);
        batch.TryHeartbeat(1000);
        batch.TryPrefix(0, [11]);
        batch.TryGoodbye();
        return batch.Bytes.ToArray();
    }

    private static ulong[] Draw(ref Rng rng, int count)
    {
        var blocks = new ulong[count];
        foreach (ref var block in blocks.AsSpan())
        {
            block = rng.NextUInt64();
        }

        return blocks;
    }

    private static PeerFailure Read(PeerDecoder decoder, byte[] bytes, IPeerFrames to) =>
        Read(decoder, bytes, to, out _);

    private static PeerFailure Read(PeerDecoder decoder, byte[] bytes, IPeerFrames to, out byte[] rest)
    {
        var sequence = new ReadOnlySequence<byte>(bytes);
        var failure = decoder.Read(ref sequence, to);
        rest = sequence.ToArray();
        return failure;
    }

    private sealed class SilentFrames : IPeerFrames
    {
        public void Hello(long epoch, string node)
        {
        }

        public void Heartbeat(long nanoseconds)
        {
        }

        public void Load(PeerReplica replica, int inFlight, long prefillTokens, long decodeTokens)
        {
        }

        public void Prefix(PeerReplica replica, ReadOnlySpan<ulong> blocks)
        {
        }

        public void Answered(PeerReplica replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer)
        {
        }

        public void CacheLost(PeerReplica replica)
        {
        }

        public void Goodbye()
        {
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Of(byte[] bytes, int size)
        {
            var first = new Segment { Memory = bytes.AsMemory(0, size) };
            var last = first;
            for (var at = size; at < bytes.Length; at += size)
            {
                var next = new Segment
                {
                    Memory = bytes.AsMemory(at, Math.Min(size, bytes.Length - at)),
                    RunningIndex = at,
                };
                last.Next = next;
                last = next;
            }

            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }
}
