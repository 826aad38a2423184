using Penstock.Core.Prefixes;
using Penstock.Core.Primitives;

namespace Penstock.Simulator.Tests.Prefixes;

/// <summary>
/// A conversation twice: as the bytes that a gateway sees and as the tokens that an engine computes, with as many bytes
/// to a token as each message happens to have.
/// </summary>
internal sealed class Conversation
{
    private readonly List<(int Bytes, ulong Seed)> _parts = [];
    private readonly List<uint> _tokens = [];
    private Rng _rng;

    public Conversation(ulong seed, int systemPrompts, int systemTokens)
    {
        _rng = new Rng(seed);
        var system = (ulong)_rng.NextInt32(systemPrompts) + 1;
        Part(system, (int)(systemTokens * (3.2 + (0.3 * system))), systemTokens);
        Ask();
    }

    public int Turns { get; private set; }

    /// <summary>Tokens of the prompt: the messages, and the header of the answer.</summary>
    public uint[] Prompt => [.. _tokens, .. Header];

    private static uint[] Header => [1, 2, 3];

    /// <summary>The next message of the user's.</summary>
    public void Ask()
    {
        _tokens.AddRange([4, 5]);
        var tokens = 20 + (int)Math.Min(3_000, -400 * Math.Log(1 - _rng.NextDouble()));
        Part(_rng.NextUInt64() | (1UL << 63), Bytes(tokens), tokens);
        Turns++;
    }

    /// <summary>The answer to the prompt becomes part of the conversation.</summary>
    public void Hear(ReadOnlySpan<uint> answer)
    {
        _tokens.AddRange(Header);
        _tokens.AddRange(answer);
        _parts.Add((Bytes(answer.Length), _rng.NextUInt64()));
    }

    public void Feed(PrefixChainBuilder chain)
    {
        chain.Start(7);
        Span<byte> bytes = stackalloc byte[8];
        foreach (var (length, seed) in _parts)
        {
            chain.Append("[{\"role\":\"x\",\"content\":["u8);
            for (var at = 0; at < length; at += 8)
            {
                BitConverter.TryWriteBytes(bytes, Hash64.Combine(seed, (ulong)at + 1));
                chain.Append(bytes[..Math.Min(8, length - at)]);
            }

            chain.Append("]}"u8);
            chain.Mark();
        }
    }

    /// <summary>From three bytes a token, as in code, to six, as in prose.</summary>
    private int Bytes(int tokens) => (int)(tokens * (3 + (3 * _rng.NextDouble())));

    private void Part(ulong seed, int bytes, int tokens)
    {
        _parts.Add((bytes, seed));
        for (var i = 0; i < tokens; i++)
        {
            _tokens.Add((uint)Hash64.Combine(seed, (ulong)i));
        }
    }
}
