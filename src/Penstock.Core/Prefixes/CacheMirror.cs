namespace Penstock.Core.Prefixes;

/// <summary>How one kind of engine keeps and loses what it computed; the tables are those of all replicas.</summary>
internal abstract class CacheMirror
{
    /// <summary>A request goes to the replica: what it needs is there until it ends.</summary>
    public abstract PrefixClaim Take(in PromptPrefix prompt, PromptLengths lengths, int replica);

    /// <summary>It has ended. <paramref name="tokens"/> are those of prompt and answer that the engine keeps; 0 where
    /// nothing shows that it took the prompt in.</summary>
    public abstract void GiveBack(
        in PromptPrefix prompt, PromptLengths lengths, int replica, in PrefixClaim claim, long tokens);

    /// <summary>Everything is gone, what requests hold included.</summary>
    public abstract void Clear(int replica);
}
