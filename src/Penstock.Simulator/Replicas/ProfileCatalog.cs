using System.Collections.Immutable;
using System.Text.Json;

namespace Penstock.Simulator.Replicas;

/// <summary>The profiles that come with Penstock, and the reader of others.</summary>
public static class ProfileCatalog
{
    private const string Fits =
        "step-time fit over InferenceX silicon rows shipped with NVIDIA AIConfigurator (silicon_sample.csv); ";

    /// <summary>Every built-in profile, demonstration kinds first.</summary>
    public static ImmutableArray<EngineProfile> All { get; } =
    [
        Demo("demo-h100", "H100 (demo)", 32_768, new() { D0 = 10, D1 = 0.02, D2 = 1e-5, P1 = 0.004, Jitter = 0.05 }),
        Demo("demo-l40s", "L40S (demo)", 16_384, new() { D0 = 17, D1 = 0.05, D2 = 3e-5, P1 = 0.012, Jitter = 0.05 }),
        new()
        {
            Name = "h100-qwen3-32b",
            Accelerator = "2xH100",
            Model = "Qwen3-32B",
            Engine = "vllm bf16 tp2",
            Source = Fits + "fit error 7.9%, held out 10.4%; KV 307,328 tokens as llm-d reports for this setup",
            Step = new() { D0 = 14.989, D1 = 0.10161, D2 = 3.447e-5, P1 = 0.03582 },
            KvBlocks = 19_208,
            ModelLengthMax = 40_960,
        },
        new()
        {
            Name = "h100-llama-3.1-70b",
            Accelerator = "4xH100",
            Model = "Llama-3.1-70B",
            Engine = "vllm fp8 tp4",
            Source = Fits + "fit error 2.2%, held out 3.5%; KV 461,376 tokens as llm-d reports for 4xH100",
            Step = new() { D0 = 10.928, D1 = 0.08326, D2 = 2.281e-5, P1 = 0.04748 },
            KvBlocks = 28_836,
            ModelLengthMax = 131_072,
        },
        new()
        {
            Name = "h200-llama-3.1-8b",
            Accelerator = "1xH200",
            Model = "Llama-3.1-8B",
            Engine = "fp8 tp1",
            Source = "fit over NVIDIA Dynamo's planner profile H200_TP1P_TP1D (fit error 3.6% decode below 200 "
                + "sequences, 3.1% prefill; its 16.5 ms prefill constant is D0 + P0); KV 945,029 tokens as published",
            Step = new()
            {
                D0 = 4.61,
                D1 = 0.0209,
                D2 = 3.13e-5,
                P0 = 11.89,
                P1 = 0.01518,
                P2 = 8.42e-7,
                KneeTokens = 0,
            },
            KvBlocks = 59_064,
            ModelLengthMax = 131_072,
        },
        new()
        {
            Name = "h200-llama-3.1-70b",
            Accelerator = "4xH200",
            Model = "Llama-3.1-70B",
            Engine = "vllm fp8 tp4",
            Source = Fits + "fit error 3.2%, held out 10.1%; KV derived: (4 x 141 GB x 0.9 - 70 GB weights - 12 GB) "
                + "/ 327,680 B a token",
            Step = new() { D0 = 9.084, D1 = 0.04387, D2 = 3.048e-5, P1 = 0.03269 },
            KvBlocks = 81_000,
            ModelLengthMax = 131_072,
        },
        new()
        {
            Name = "b200-llama-3.1-70b",
            Accelerator = "4xB200",
            Model = "Llama-3.1-70B",
            Engine = "vllm fp8 tp4",
            Source = Fits + "fit error 2.1%, held out 3.9%; KV derived: (4 x 180 GB x 0.9 - 70 GB weights - 12 GB) "
                + "/ 327,680 B a token",
            Step = new() { D0 = 7.577, D1 = 0.05892, D2 = 0, P1 = 0.03071 },
            KvBlocks = 107_000,
            ModelLengthMax = 131_072,
        },
        new()
        {
            Name = "l40s-llama-3.1-8b",
            Accelerator = "1xL40S",
            Model = "Llama-3.1-8B",
            Engine = "vllm bf16 tp1",
            Source = "derived, not measured: D0 = 16 GB / (864 GB/s x 0.8) + 2 ms host, D2 = 131,072 B / (864 GB/s x "
                + "0.65), P1 = 16 GFLOP / (362 TFLOP/s x 0.32, the prefill utilisation BLIS uses), D1 scaled from H200 "
                + "by bandwidth; KV (48.3 GB x 0.9 - 16 GB - 3 GB) / 131,072 B a token",
            Step = new() { D0 = 25, D1 = 0.115, D2 = 2.33e-4, P1 = 0.138 },
            KvBlocks = 11_600,
            BatchedTokensMax = 2048,
            ModelLengthMax = 131_072,
        },
    ];

    /// <summary>The built-in profile of that name, or null.</summary>
    public static EngineProfile? Find(string name)
    {
        foreach (var profile in All)
        {
            if (string.Equals(profile.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                return profile;
            }
        }

        return null;
    }

    /// <summary>
    /// Reads a profile from a JSON document whose fields are those of <see cref="EngineProfile"/> in snake_case.
    /// Returns null and says all that is wrong where it cannot be used.
    /// </summary>
    public static EngineProfile? Parse(ReadOnlySpan<byte> json, out IReadOnlyList<string> errors)
    {
        try
        {
            var profile = JsonSerializer.Deserialize(json, ProfileJson.Default.ProfileDocument)?.ToProfile();
            errors = profile?.Errors() ?? ["the document is null"];
            return errors.Count == 0 ? profile : null;
        }
        catch (JsonException e)
        {
            errors = [e.Message];
            return null;
        }
    }

    private static EngineProfile Demo(string name, string accelerator, int kvBlocks, StepCoefficients step) => new()
    {
        Name = name,
        Accelerator = accelerator,
        Model = "demo",
        Engine = "simulated",
        Source = "invented for demonstrations: snappy for a person, two kinds that a router can tell apart",
        Step = step,
        KvBlocks = kvBlocks,
        ModelLengthMax = 262_144,
    };
}
