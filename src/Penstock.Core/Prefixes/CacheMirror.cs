namespace Penstock.Core.Prefixes;

/// <summary>How one kind of engine keeps and loses what it computed; the tables are those of all replicas.</summary>
internal abstract class CacheMirror
{
    /// <summary>A request of a key (0: of nobody's) goes to the replica: what it needs is there until it ends.
    /// </summary>
    public abstract PrefixClaim Take(in PromptPrefix prompt, PromptLengths lengths, int replica, ulong key);

    /// <summary>It has ended.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="lengths">Its lengths.</param>
    /// <param name="replica">Where it was.</param>
    /// <param name="claim">What it holds.</param>
    /// <param name="tokens">Those of prompt and answer that the engine keeps; 0 where nothing shows that it took the
    /// prompt in.</param>
    /// <param name="counted">Those of prompt and answer that are known to have been there; 0 where nobody counted.
    /// </param>
    public abstract void GiveBack(
        in PromptPrefix prompt, PromptLengths lengths, int replica, in PrefixClaim claim, long tokens, long counted);

    /// <summary>Everything is gone, what requests hold included.</summary>
    public abstract void Clear(int replica);
}
