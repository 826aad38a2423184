namespace Penstock.Core.Prefixes;

/// <summary>
/// A prompt as the index keys it: the chained hashes of its full blocks, and where its parts end. Lives on the stack;
/// holds no copies.
/// </summary>
public readonly ref struct PromptPrefix
{
    /// <summary>One hash a full block, each seeded with the one before; see <see cref="PrefixChainBuilder"/>.</summary>
    public ReadOnlySpan<ulong> Blocks { get; init; }

    /// <summary>The ends of its parts (tools, system, each message), in their order; the last one is the end of the
    /// prompt where that is known (<see cref="HasEnd"/>). Empty where they were not looked for.</summary>
    public ReadOnlySpan<PromptMark> Marks { get; init; }

    /// <summary>The whole prompt in the unit of the keys: bytes of canonical prompt, or tokens.</summary>
    public long Length { get; init; }

    /// <summary>The last mark is the end of the prompt, but for what closes its document. It is not where the prompt
    /// has more blocks or more marks than are kept: what was counted of the whole says nothing of that place.</summary>
    public bool HasEnd => !Marks.IsEmpty && Length - Marks[^1].End <= ClosingMax;

    /// <summary>Units that close a document.</summary>
    private const int ClosingMax = 8;
}

/// <summary>The end of a part of a prompt.</summary>
/// <param name="End">Where it ends, in the unit of the keys, from the start of the prompt.</param>
/// <param name="Hash">The hash of everything up to there; never 0. Equal exactly where the prompts are equal up to
/// there.</param>
public readonly record struct PromptMark(long End, ulong Hash);

/// <summary>What a block of a prompt is made of.</summary>
/// <param name="BlockLength">Units in a block.</param>
/// <param name="AreTokens">True where a unit is a token of the engine's own; false for bytes of canonical prompt.
/// </param>
public readonly record struct PrefixKeying(int BlockLength, bool AreTokens)
{
    /// <summary>Blocks of canonical bytes, for engines whose tokens are not known.</summary>
    public static PrefixKeying Bytes { get; } = new(PrefixChainBuilder.BlockBytes, AreTokens: false);
}
