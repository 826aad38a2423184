using System.Numerics;

namespace Penstock.Core.Primitives;

/// <summary>
/// A small seeded random number generator (xoroshiro128++ by Blackman and Vigna, seeded through SplitMix64). The same
/// seed gives the same sequence on every machine and version. A mutable struct: pass it by <c>ref</c>. Not for secrets.
/// </summary>
public struct Rng
{
    private ulong _s0;
    private ulong _s1;

    public Rng(ulong seed)
    {
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        var s0 = _s0;
        var s1 = _s1;
        var result = BitOperations.RotateLeft(s0 + s1, 17) + s0;
        s1 ^= s0;
        _s0 = BitOperations.RotateLeft(s0, 49) ^ s1 ^ (s1 << 21);
        _s1 = BitOperations.RotateLeft(s1, 28);
        return result;
    }

    /// <summary>A whole number from 0 to <paramref name="exclusiveMax"/> − 1, without modulo bias beyond 2⁻³².
    /// </summary>
    public int NextInt32(int exclusiveMax)
    {
        Check.That(exclusiveMax > 0);
        return (int)(((NextUInt64() >> 32) * (ulong)exclusiveMax) >> 32);
    }

    /// <summary>A number in [0, 1).</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15UL;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
