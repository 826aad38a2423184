using Penstock.Core.Prefixes;
using Penstock.Simulator.Replicas;

namespace Penstock.Cli.Engine.Kinds;

/// <summary>
/// Cuts the memory of a profile, which is that of the accelerator, into what an engine of a kind makes of it. Tokens
/// stay what they are unless told otherwise; a window that is larger than the memory shrinks to it.
/// </summary>
internal static class EngineShape
{
    /// <summary>Slots of a llama.cpp server that nobody told otherwise.</summary>
    private const int SlotsDefault = 4;

    /// <summary>The profile as the engine has it. Whether it can be simulated is for the caller to ask.</summary>
    public static EngineProfile Of(SimulatedEngineOptions options)
    {
        var profile = options.Profile;
        var kind = EngineKind.Of(options.Kind);
        var block = options.BlockTokens ?? kind.BlockTokens ?? profile.BlockSize;
        var tokens = options.KvTokens ?? profile.KvTokens;
        var slots = kind.Cache == CacheKind.Slots ? options.Slots ?? SlotsDefault : 1;
        if (block <= 0 || tokens <= 0 || slots <= 0)
        {
            return profile with { BlockSize = block, KvBlocks = 0, SequencesMax = slots };
        }

        var blocks = tokens / block / slots * slots;
        return profile with
        {
            Cache = options.Kind == SimulatedEngineKind.Vllm ? profile.Cache : kind.Cache,
            BlockSize = block,
            KvBlocks = (int)Math.Min(blocks, int.MaxValue),
            ModelLengthMax = (int)Math.Min(profile.ModelLengthMax, blocks / slots * block),
            SequencesMax = kind.Cache == CacheKind.Slots ? slots : profile.SequencesMax,
            HostCacheTokens = kind.Cache == CacheKind.Slots ? options.HostCacheTokens : profile.HostCacheTokens,
        };
    }
}
