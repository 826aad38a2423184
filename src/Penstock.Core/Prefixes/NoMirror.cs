namespace Penstock.Core.Prefixes;

/// <summary>An engine that was started without prefix caching: it keeps nothing between requests, and nothing is
/// remembered of it.</summary>
internal sealed class NoMirror(CacheLists lists) : CacheMirror
{
    public override PrefixClaim Take(in PromptPrefix prompt, PromptLengths lengths, int replica, ulong key) =>
        new() { Generation = lists[replica].Generation };

    public override void GiveBack(
        in PromptPrefix prompt, PromptLengths lengths, int replica, in PrefixClaim claim, long tokens, long counted)
    {
    }

    public override void Clear(int replica) => lists.Clear(replica);
}
