namespace Penstock.Core.Routing.Policies.Hashing;

/// <summary>The head of a prompt as a key.</summary>
internal static class PromptKey
{
    /// <summary>Bytes of prompt that are taken for a token. Fixed, unlike the ratio that the index learns: a key has to
    /// stay what it is.</summary>
    private const int BytesPerToken = 4;

    /// <summary>A hash of the first <paramref name="tokens"/>, in whole blocks; of all whole blocks of a prompt that is
    /// shorter; 0 where it has none.</summary>
    public static ulong Of(in RouteRequest request, PoolState pool, int tokens) =>
        At(request.Prompt.Blocks, Blocks(pool, tokens));

    /// <summary>Blocks of the pool's keying in so many tokens; at least 1.</summary>
    public static int Blocks(PoolState pool, int tokens)
    {
        var keying = pool.Index.Keying;
        return Math.Max(1, tokens * (keying.AreTokens ? 1 : BytesPerToken) / keying.BlockLength);
    }

    /// <summary>The hash of the first so many blocks.</summary>
    public static ulong At(ReadOnlySpan<ulong> blocks, int count) =>
        blocks.IsEmpty ? 0 : blocks[Math.Min(blocks.Length, count) - 1];
}
