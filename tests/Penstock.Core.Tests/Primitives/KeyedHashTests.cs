using System.Buffers.Binary;
using System.Text;
using Penstock.Core.Primitives;
using Penstock.Tests.Shared;

namespace Penstock.Core.Tests.Primitives;

public class KeyedHashTests
{
    private const int Block = 256;

    /// <summary>
    /// The top bit of a word, turned over, moves a lane of XXH64 by 2^30·P1 up or down, whatever was in it; the next
    /// word of the lane takes that back. Where the sign is guessed right, which no seed prevents, the hashes are the
    /// same.
    /// </summary>
    [Fact]
    public void What_collides_in_a_plain_hash_under_every_second_seed_does_not_under_any_key()
    {
        const ulong P1 = 0x9E3779B185EBCA87UL;
        const ulong P2 = 0xC2B2AE3D27D4EB4FUL;
        var one = new byte[Block];
        Array.Fill(one, (byte)'a');
        var other = (byte[])one.Clone();
        var first = other.AsSpan(0, 8);
        var next = other.AsSpan(32, 8);
        BinaryPrimitives.WriteUInt64LittleEndian(
            first, BinaryPrimitives.ReadUInt64LittleEndian(first) ^ (1UL << 63));
        BinaryPrimitives.WriteUInt64LittleEndian(
            next, BinaryPrimitives.ReadUInt64LittleEndian(next) - unchecked((1UL << 30) * P1 * Inverse(P2)));

        var rng = new Rng(1);
        var keys = Enumerable.Range(0, 1_000).Select(_ => rng.NextUInt64()).ToArray();
        Assert.InRange(keys.Count(k => Hash64.Of(one, k) == Hash64.Of(other, k)), 400, 600);
        Assert.Equal(0, keys.Count(k => KeyedHash.Of(one, k) == KeyedHash.Of(other, k)));
    }

    /// <summary>From the same rule in Python; recorded decisions depend on them.</summary>
    [Theory]
    [InlineData("", 0, 0, 0x28C92F91545D4EC6UL)]
    [InlineData("penstock", 1, 1, 0x767713D28B01DE34UL)]
    [InlineData("a", 32, 2, 0xDA75F10651B27877UL)]
    [InlineData("ab", 128, 0xFEDCBA9876543210UL, 0x63DD99D2D80F7A81UL)]
    public void It_is_the_same_in_every_version(string piece, int times, ulong key, ulong hash) =>
        Assert.Equal(hash, KeyedHash.Of(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(piece, times))), key));

    [Fact]
    public void Any_bit_of_text_or_key_changes_half_of_the_hash()
    {
        var rng = new Rng(2);
        var turned = new int[64];
        var times = 0;
        for (var length = 1; length <= 96; length++)
        {
            var text = new byte[length];
            text.AsSpan().Fill((byte)length);
            var key = rng.NextUInt64();
            var hash = KeyedHash.Of(text, key);
            for (var bit = 0; bit < (length + 8) * 8; bit++, times++)
            {
                var other = (byte[])text.Clone();
                var otherKey = key;
                if (bit < length * 8)
                {
                    other[bit / 8] ^= (byte)(1 << (bit % 8));
                }
                else
                {
                    otherKey ^= 1UL << (bit - (length * 8));
                }

                var difference = hash ^ KeyedHash.Of(other, otherKey);
                for (var i = 0; i < 64; i++)
                {
                    turned[i] += (int)(difference >> i) & 1;
                }
            }
        }

        Assert.All(turned, t => Assert.InRange(t, times * 0.48, times * 0.52));
    }

    [Fact]
    public void Zeros_at_the_end_count()
    {
        var hashes = Enumerable.Range(0, 300).Select(n => KeyedHash.Of(new byte[n], 7)).ToHashSet();
        Assert.Equal(300, hashes.Count);
    }

    [Fact]
    public void It_allocates_nothing()
    {
        var text = new byte[Block + 7];
        Assert.Equal(0, Allocation.Of(() => KeyedHash.Of(text, 1)));
    }

    /// <summary>Of an odd number modulo 2^64, by Newton's method.</summary>
    private static ulong Inverse(ulong odd)
    {
        var inverse = odd;
        for (var i = 0; i < 6; i++)
        {
            inverse *= 2 - (odd * inverse);
        }

        return inverse;
    }
}
