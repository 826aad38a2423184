using System.Text.Json.Serialization;
using Penstock.Core.Prefixes;

namespace Penstock.Simulator.Replicas;

/// <summary>
/// An <see cref="EngineProfile"/> as JSON. It is a type of its own because the generated reader sets every init-only
/// property, so that a field left out would lose its default.
/// </summary>
internal sealed record ProfileDocument
{
    public required string Name { get; init; }

    public required string Accelerator { get; init; }

    public required string Model { get; init; }

    public required string Engine { get; init; }

    public required string Source { get; init; }

    public required StepDocument Step { get; init; }

    public required int KvBlocks { get; init; }

    public required int ModelLengthMax { get; init; }

    public string? Cache { get; init; }

    public int? BlockSize { get; init; }

    public int? BatchedTokensMax { get; init; }

    public int? SequencesMax { get; init; }

    public int? WaitingMax { get; init; }

    public long? HostCacheTokens { get; init; }

    public EngineProfile ToProfile()
    {
        var profile = new EngineProfile
        {
            Name = Name,
            Accelerator = Accelerator,
            Model = Model,
            Engine = Engine,
            Source = Source,
            Step = Step.ToStep(),
            KvBlocks = KvBlocks,
            ModelLengthMax = ModelLengthMax,
        };
        return profile with
        {
            BlockSize = BlockSize ?? profile.BlockSize,
            BatchedTokensMax = BatchedTokensMax ?? profile.BatchedTokensMax,
            SequencesMax = SequencesMax ?? profile.SequencesMax,
            WaitingMax = WaitingMax ?? profile.WaitingMax,
            HostCacheTokens = HostCacheTokens ?? profile.HostCacheTokens,
            Cache = Cache switch
            {
                null or "paged" => CacheKind.Paged,
                "radix" => CacheKind.Radix,
                "slots" => CacheKind.Slots,
                _ => CacheKind.Unknown,
            },
        };
    }
}

/// <summary>The timing part of a <see cref="ProfileDocument"/>.</summary>
internal sealed record StepDocument
{
    public required double D0 { get; init; }

    public required double D1 { get; init; }

    public required double D2 { get; init; }

    public required double P1 { get; init; }

    public double P0 { get; init; }

    public double P2 { get; init; }

    public int? KneeTokens { get; init; }

    public double Jitter { get; init; }

    public StepCoefficients ToStep()
    {
        var step = new StepCoefficients { D0 = D0, D1 = D1, D2 = D2, P1 = P1, P0 = P0, P2 = P2, Jitter = Jitter };
        return step with { KneeTokens = KneeTokens ?? step.KneeTokens };
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ProfileDocument))]
internal sealed partial class ProfileJson : JsonSerializerContext;
