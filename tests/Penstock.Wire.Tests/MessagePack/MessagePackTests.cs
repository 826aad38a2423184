using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Wire.MessagePack;

namespace Penstock.Wire.Tests.MessagePack;

public sealed class MessagePackTests
{
    // msgpack.packb([None, True, -1, -33, -129, -32769, -2**63, 127, 128, 256, 65536, 2**64-1, 1.5, "a"*32, b"xyz",
    //   {"k": [1, {2: None}]}, msgpack.ExtType(5, b"1234"), msgpack.ExtType(6, b"12345"), [0]*20])
    private static readonly byte[] s_everything = Convert.FromHexString(
        "DC0013C0C3FFD0DFD1FF7FD2FFFF7FFFD380000000000000007FCC80CD0100CE00010000CFFFFFFFFFFFFFFFFFCB3FF80000" +
        "00000000D9206161616161616161616161616161616161616161616161616161616161616161C40378797A81A16B92018102" +
        "C0D60531323334C705063132333435DC00140000000000000000000000000000000000000000");

    [Fact]
    public void Reads_every_type()
    {
        var reader = new MessagePackReader(s_everything);
        Assert.True(reader.TryReadArray(out var count));
        Assert.Equal(19, count);
        Assert.True(reader.TrySkipNil());
        Assert.Equal(MessagePackType.Boolean, reader.Next);
        Assert.True(reader.TrySkip());
        foreach (var expected in new long[] { -1, -33, -129, -32_769, long.MinValue, 127, 128, 256, 65_536 })
        {
            Assert.True(reader.TryReadInt64(out var number));
            Assert.Equal(expected, number);
        }

        Assert.True(reader.TryReadBits(out var bits));
        Assert.Equal(ulong.MaxValue, bits);
        Assert.True(reader.TryReadDouble(out var real));
        Assert.Equal(1.5, real);
        Assert.True(reader.TryReadText(out var text));
        Assert.Equal(32, text.Length);
        Assert.True(reader.TryReadBinary(out var bytes));
        Assert.True(bytes.SequenceEqual("xyz"u8));
        Assert.Equal(MessagePackType.Map, reader.Next);
        Assert.True(reader.TrySkip());
        Assert.Equal(MessagePackType.Extension, reader.Next);
        Assert.True(reader.TrySkip());
        Assert.True(reader.TrySkip());
        Assert.True(reader.TrySkip());
        Assert.True(reader.IsAtEnd);
        Assert.Equal(MessagePackStatus.Ok, reader.Status);
    }

    [Fact]
    public void Steps_over_everything_at_once_and_over_nothing_that_is_cut()
    {
        var whole = new MessagePackReader(s_everything);
        Assert.True(whole.TrySkip());
        Assert.True(whole.IsAtEnd);
        for (var cut = 0; cut < s_everything.Length; cut++)
        {
            var reader = new MessagePackReader(s_everything.AsSpan(0, cut));
            Assert.False(reader.TrySkip());
            Assert.Equal(MessagePackStatus.Truncated, reader.Status);
        }
    }

    [Fact]
    public void Steps_over_a_million_nested_arrays()
    {
        var deep = Enumerable.Repeat((byte)0x91, 1_000_000).Append((byte)0xC0).ToArray();
        var reader = new MessagePackReader(deep);
        Assert.True(reader.TrySkip());
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Believes_no_count_beyond_the_bytes_that_are_there()
    {
        var array = new MessagePackReader([0xDD, 0x7F, 0xFF, 0xFF, 0xFF, 0x01]);
        Assert.False(array.TryReadArray(out _));
        Assert.Equal(MessagePackStatus.Truncated, array.Status);
        var map = new MessagePackReader([0xDF, 0x00, 0x00, 0x00, 0x02, 0x01, 0x01, 0x01]);
        Assert.False(map.TryReadMap(out _));
        var text = new MessagePackReader([0xDB, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]);
        Assert.False(text.TryReadText(out _));
        var reserved = new MessagePackReader([0xC1]);
        Assert.False(reserved.TrySkip());
        Assert.Equal(MessagePackStatus.Reserved, reserved.Status);
    }

    [Fact]
    public void A_failed_reader_stays_failed()
    {
        var reader = new MessagePackReader([0xA1, 0x61, 0x05]);
        Assert.False(reader.TryReadInt64(out _));
        Assert.Equal(MessagePackStatus.WrongType, reader.Status);
        Assert.Equal(MessagePackType.None, reader.Next);
        Assert.False(reader.TryReadText(out _));
        Assert.False(reader.TrySkip());
        Assert.False(reader.TryReadRun(new uint[1]));
        Assert.Equal(MessagePackStatus.WrongType, reader.Status);
    }

    [Fact]
    public void Reads_back_every_number_that_the_writer_writes() => Prop.ForAll<long, int>((number, shift) =>
    {
        var value = number << (shift & 63);
        var output = new ArrayBufferWriter<byte>();
        var pack = new MessagePackWriter(output);
        pack.Int64(value);
        pack.UInt64((ulong)value);
        var reader = new MessagePackReader(output.WrittenSpan);
        var isSigned = reader.TryReadInt64(out var signed);
        var isUnsigned = reader.TryReadBits(out var bits);
        return isSigned && isUnsigned && signed == value && bits == (ulong)value && reader.IsAtEnd;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Reads_a_run_of_numbers_of_all_widths()
    {
        var run = Convert.FromHexString("05CCFFCD0100CEFFFFFFFFD001CF0000000000000007");
        var into = new uint[6];
        var reader = new MessagePackReader(run);
        Assert.True(reader.TryReadRun(into));
        Assert.Equal([5u, 255, 256, uint.MaxValue, 1, 7], into);
        Assert.True(reader.IsAtEnd);
        for (var cut = 0; cut < run.Length; cut++)
        {
            Assert.False(new MessagePackReader(run.AsSpan(0, cut)).TryReadRun(into));
        }

        Assert.False(new MessagePackReader([0xFF]).TryReadRun(new uint[1]));
    }

    [Fact]
    public void Survives_mutations_of_everything() => Mutations.Survives(s_everything, bytes =>
    {
        var reader = new MessagePackReader(bytes);
        reader.TrySkip();
        while (!reader.IsAtEnd && reader.Status == MessagePackStatus.Ok)
        {
            reader.TrySkip();
        }
    });
}
