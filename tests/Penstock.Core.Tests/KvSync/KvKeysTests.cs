using System.Runtime.InteropServices;
using Penstock.Core.KvSync;
using Penstock.Core.Primitives;

namespace Penstock.Core.Tests.KvSync;

public sealed class KvKeysTests
{
    private const int Block = 16;

    /// <summary>What moves a lane of XXH64 up or down by a known step, whatever was in it, and what takes that back:
    /// see the same of bytes in <c>KeyedHashTests</c>. Here both are token ids.</summary>
    [Fact]
    public void No_two_blocks_can_be_chosen_that_have_one_key_behind_any_parent()
    {
        var (one, other) = Colliding();
        var rng = new Rng(1);
        var parents = Enumerable.Range(0, 1_000).Select(_ => rng.NextUInt64()).ToArray();
        Assert.InRange(parents.Count(p => Plain(one, p) == Plain(other, p)), 400, 600);
        Assert.Equal(0, parents.Count(p => KvKeys.Of(p, one) == KvKeys.Of(p, other)));
        Assert.Equal(0, parents.Count(p => KvKeys.Of(p, one, extra: 5) == KvKeys.Of(p, other, extra: 5)));
    }

    [Fact]
    public void Nor_two_salts_or_adapters()
    {
        var (one, other) = Colliding();
        var first = MemoryMarshal.AsBytes(one.AsSpan());
        var second = MemoryMarshal.AsBytes(other.AsSpan());
        var rng = new Rng(2);
        for (var i = 0; i < 100; i++)
        {
            var model = rng.NextUInt64();
            Assert.NotEqual(KvKeys.Scope(model, default, first), KvKeys.Scope(model, default, second));
            Assert.NotEqual(KvKeys.Scope(model, first, default), KvKeys.Scope(model, second, default));
        }
    }

    private static ulong Plain(uint[] tokens, ulong seed) => Hash64.Of(MemoryMarshal.AsBytes(tokens.AsSpan()), seed);

    private static (uint[] One, uint[] Other) Colliding()
    {
        const ulong P1 = 0x9E3779B185EBCA87UL;
        const ulong P2 = 0xC2B2AE3D27D4EB4FUL;
        var one = new uint[Block];
        Array.Fill(one, 7U);
        var other = (uint[])one.Clone();
        var words = MemoryMarshal.Cast<uint, ulong>(other.AsSpan());
        words[0] ^= 1UL << 63;
        words[4] -= unchecked((1UL << 30) * P1 * Inverse(P2));
        return (one, other);
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
