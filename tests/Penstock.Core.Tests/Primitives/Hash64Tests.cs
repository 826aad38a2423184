using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.Primitives;

public class Hash64Tests
{
    private const ulong Seed = 2654435761;

    /// <summary>Values of libxxhash 0.8.1 over the buffer of its own self-test, both without and with a seed.</summary>
    [Theory]
    [InlineData(0, 0xEF46DB3751D8E999, 0xAC75FDA2929B17EF)]
    [InlineData(1, 0xE934A84ADB052768, 0x5014607643A9B4C3)]
    [InlineData(4, 0x9136A0DCA57457EE, 0xCAAB286BD8E9FDB5)]
    [InlineData(8, 0xCDBCF538E71D1348, 0xFE0C047A5353CDAC)]
    [InlineData(14, 0x8282DCC4994E35C8, 0xC3BD6BF63DEB6DF0)]
    [InlineData(31, 0x299B39A290E6D783, 0xDA673D5FEB5C1D79)]
    [InlineData(32, 0x18B216492BB44B70, 0xB3F33BDF93ADE409)]
    [InlineData(33, 0x55C8DC3E578F5B59, 0xE92C292F64BC3071)]
    [InlineData(64, 0xEF558F8ACAC2B5CD, 0xB5EEBA99264CC44F)]
    [InlineData(222, 0xB641AE8CB691C174, 0x20CB8AB7AE10C14A)]
    [InlineData(2367, 0xA82418DDEC0EA581, 0xA36A93C18052673A)]
    public void Agrees_with_the_reference_on_its_own_buffer(int length, ulong unseeded, ulong seeded)
    {
        var data = ReferenceBuffer(length);
        Assert.Equal(unseeded, Hash64.Of(data));
        Assert.Equal(seeded, Hash64.Of(data, Seed));
    }

    [Theory]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    [InlineData("123456789", 0x8CB841DB40E6AE83)]
    public void Hashes_text_as_its_utf8_bytes(string text, ulong expected)
    {
        Assert.Equal(expected, Hash64.Of(text));
        Assert.Equal(expected, Hash64.Of(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void One_changed_byte_changes_the_value() =>
        Prop.ForAll<byte[], byte>((data, flip) =>
        {
            if (data.Length == 0 || flip == 0)
            {
                return true;
            }

            var other = (byte[])data.Clone();
            other[flip % other.Length] ^= flip;
            return Hash64.Of(data) != Hash64.Of(other);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Combining_depends_on_the_order_and_on_both() =>
        Prop.ForAll<ulong, ulong>((a, b) =>
            a == b
            || (Hash64.Combine(a, b) != Hash64.Combine(b, a)
                && Hash64.Combine(a, a) != Hash64.Combine(a, b)
                && Hash64.Combine(b, b) != Hash64.Combine(a, b))).QuickCheckThrowOnFailure();

    // The generator of xxhsum's self-test: the top byte of a product that is multiplied on.
    private static byte[] ReferenceBuffer(int length)
    {
        var data = new byte[length];
        ulong state = 2654435761;
        foreach (ref var b in data.AsSpan())
        {
            b = (byte)(state >> 56);
            state *= 11400714785074694797;
        }

        return data;
    }
}
