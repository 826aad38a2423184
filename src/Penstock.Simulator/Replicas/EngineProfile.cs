using Penstock.Core.Prefixes;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// One kind of replica: a model on an engine on accelerators, with its timing, its memory and its limits.
/// </summary>
public sealed record EngineProfile
{
    /// <summary>The name by which it is asked for, such as <c>h100-qwen3-32b</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The accelerators of one replica, such as <c>2xH100</c>.</summary>
    public required string Accelerator { get; init; }

    /// <summary>The model whose timing this is.</summary>
    public required string Model { get; init; }

    /// <summary>Engine, precision and parallelism, such as <c>vllm bf16 tp2</c>.</summary>
    public required string Engine { get; init; }

    /// <summary>Where the figures come from, and which of them are derived or invented.</summary>
    public required string Source { get; init; }

    public required StepCoefficients Step { get; init; }

    /// <summary>How the engine keeps KV memory, and so what it finds there again.</summary>
    public CacheKind Cache { get; init; } = CacheKind.Paged;

    /// <summary>Blocks of KV cache that the replica has.</summary>
    public required int KvBlocks { get; init; }

    /// <summary>Tokens in a block; vLLM's default is 16, SGLang's page 1, llama.cpp counts in tokens.</summary>
    public int BlockSize { get; init; } = 16;

    /// <summary>Tokens computed in one step at most (vLLM: max_num_batched_tokens).</summary>
    public int BatchedTokensMax { get; init; } = 8192;

    /// <summary>Sequences in the batch at most (vLLM: max_num_seqs; llama.cpp: its slots).</summary>
    public int SequencesMax { get; init; } = 256;

    /// <summary>Tokens of prompt and answer together at most (vLLM: max_model_len).</summary>
    public required int ModelLengthMax { get; init; }

    /// <summary>Requests that wait at most; more are refused.</summary>
    public int WaitingMax { get; init; } = 16_384;

    /// <summary>
    /// Tokens of idle slots that the host's memory keeps (llama.cpp: --cache-ram); 0 is none. For slots only.
    /// </summary>
    public long HostCacheTokens { get; init; }

    /// <summary>Tokens that the KV cache holds.</summary>
    public long KvTokens => (long)KvBlocks * BlockSize;

    /// <summary>Blocks that so many tokens take.</summary>
    internal int BlocksFor(int tokens) => (tokens + BlockSize - 1) / BlockSize;

    /// <summary>Everything that is wrong with the profile; empty where it can be simulated.</summary>
    public IReadOnlyList<string> Errors()
    {
        List<string> errors = [];
        Require(Name is { Length: > 0 }, "name must not be empty");
        Require(Step is not null, "step is missing");
        Require(BlockSize is > 0 and <= 4096, "block_size must be from 1 to 4096");
        Require(KvBlocks is > 0 and <= 1 << 24, "kv_blocks must be from 1 to 16777216");
        Require(BatchedTokensMax > 0, "batched_tokens_max must be at least 1");
        Require(SequencesMax > 0, "sequences_max must be at least 1");
        Require(WaitingMax > 0, "waiting_max must be at least 1");
        Require(ModelLengthMax > 1, "model_length_max must be at least 2");
        Require(ModelLengthMax <= KvTokens, "kv_blocks * block_size must hold model_length_max tokens");
        Require(Cache is CacheKind.Paged or CacheKind.Radix or CacheKind.Slots, "cache must be paged, radix or slots");
        Require(HostCacheTokens >= 0, "host_cache_tokens must not be negative");
        Require(HostCacheTokens == 0 || Cache == CacheKind.Slots, "host_cache_tokens is for slots only");
        Require(
            Cache != CacheKind.Slots || (long)BlocksFor(ModelLengthMax) * SequencesMax <= KvBlocks,
            "kv_blocks must hold model_length_max tokens for each of sequences_max slots");
        if (Step is { } step)
        {
            Require(step.D0 > 0, "step.d0 must be more than 0");
            Require(IsTime(step.D0) && IsTime(step.D1) && IsTime(step.D2), "step.d0, d1, d2 must be times");
            Require(IsTime(step.P0) && IsTime(step.P1) && IsTime(step.P2), "step.p0, p1, p2 must be times");
            Require(step.KneeTokens >= 0, "step.knee_tokens must not be negative");
            Require(step.Jitter is >= 0 and < 1, "step.jitter must be from 0 to below 1");
        }

        return errors;

        void Require(bool holds, string message)
        {
            if (!holds)
            {
                errors.Add(message);
            }
        }

        static bool IsTime(double ms) => ms is >= 0 and < 1e6;
    }
}
