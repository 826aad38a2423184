using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;
using Penstock.Core.Recording;

namespace Penstock.Core.Tests.Primitives;

public class StateWriterTests
{
    /// <summary>Arrays in which stretches of zeros and of other values of any length take turns.</summary>
    [Fact]
    public void Every_array_comes_back_over_whatever_was_there() =>
        Prop.ForAll(
            Gen.Choose(0, 300).ArrayOf().Select(runs => runs.Take(9).ToArray()).ToArbitrary(),
            runs =>
            {
                var values = runs
                    .SelectMany((length, i) => Enumerable.Repeat(i % 2 == 0 ? 0 : i, length)).ToArray();
                var state = new LogState();
                var to = new StateWriter(state);
                to.WriteAll<int>(values);
                to.Write(77L);
                var from = new StateReader(Bytes(state));
                var read = new int[values.Length + 1];
                Array.Fill(read, -1);
                Assert.Equal(values.Length, from.ReadAll<int>(read));
                Assert.Equal([.. values, -1], read);
                Assert.Equal(77L, from.Read<long>());
                return true;
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Zeros_cost_nothing()
    {
        var state = new LogState();
        var values = new ulong[1 << 20];
        values[500_000] = 1;
        new StateWriter(state).WriteAll<ulong>(values);
        Assert.InRange(state.Bytes, 8, 200);
    }

    [Fact]
    public void A_state_of_many_pieces_is_whole()
    {
        var state = new LogState();
        var to = new StateWriter(state);
        var values = Enumerable.Range(1, 700_000).ToArray();
        to.WriteAll<int>(values);
        to.Write(decimal.One);
        Assert.Equal(3, state.Pieces.Count());
        Assert.Equal(state.Bytes, state.Pieces.Sum(p => (long)p.Length));
        var from = new StateReader(Bytes(state));
        var read = new int[values.Length];
        from.ReadAll<int>(read);
        Assert.Equal(values, read);
        Assert.Equal(decimal.One, from.Read<decimal>());
        state.Release();
        Assert.Empty(state.Pieces);
    }

    [Theory]
    [InlineData(5, 0, 20)]
    [InlineData(4, 0, 0)]
    [InlineData(4, 17, 0)]
    [InlineData(4, -4, 20)]
    [InlineData(4, 0, 16)]
    public void What_does_not_add_up_is_refused(int count, int zeros, int others)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var to = new StateWriter(bytes);
        to.Write(count);
        to.Write(zeros);
        to.Write(others);
        to.Write(1);
        Assert.Throws<InvalidDataException>(() =>
        {
            var from = new StateReader(bytes.WrittenSpan);
            from.ReadAll<int>(new int[4]);
        });
    }

    private static byte[] Bytes(LogState state) => [.. state.Pieces.SelectMany(p => p.ToArray())];
}
