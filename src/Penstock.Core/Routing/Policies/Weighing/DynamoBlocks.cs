namespace Penstock.Core.Routing.Policies.Weighing;

/// <summary>What NVIDIA Dynamo's KV router counts, in blocks.</summary>
/// <remarks>A block is 64 tokens for every replica, whatever its engine's is: only the rounding of the decode blocks
/// depends on it.</remarks>
/// <param name="Prefill">P/b + L/b less what is cached: 1.0 in the accelerator, 0.75 in the host's memory, 0.25 on
/// disk, 0.5 shared; at least 0.</param>
/// <param name="Decoding">Blocks of the requests in flight there: their prompts, cached or not, from the dispatch on,
/// and half of the answers that are expected. Of what other nodes sent and is not decoding yet, only what was not
/// cached.</param>
/// <param name="Own">Blocks of this request, ⌈L/b⌉.</param>
internal readonly record struct DynamoBlocks(double Prefill, double Decoding, double Own)
{
    private const double BlockTokens = 64;
    private const double Device = 1.0;
    private const double Host = 0.75;
    private const double Disk = 0.25;
    private const double Shared = 0.5;

    public static DynamoBlocks Of(in Candidate candidate, in ReplicaLoad load)
    {
        var prompt = candidate.MatchedTokens + candidate.UncachedTokens;
        var credit = PrefixCredit.Of(in candidate, Device, Host, Disk, Shared);
        var resident = candidate.DecodeTokens + load.PrefillPromptTokens + candidate.PrefillTokens - load.PrefillTokens;
        return new DynamoBlocks(
            Math.Max(0, candidate.PrefillTokens + prompt - credit) / BlockTokens,
            Math.Ceiling(resident / BlockTokens),
            Math.Ceiling(prompt / BlockTokens));
    }
}
