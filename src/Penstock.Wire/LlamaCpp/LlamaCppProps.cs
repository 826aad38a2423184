using Penstock.Wire.ModelLists;

namespace Penstock.Wire.LlamaCpp;

/// <summary>The answer of llama-server's <c>GET /props</c>. Null: not told.</summary>
public sealed record LlamaCppProps
{
    /// <summary>Requests that it works on at a time; more wait in a queue without a bound.</summary>
    public required long Slots { get; init; }

    /// <summary>Tokens of prompt and answer in one slot.</summary>
    public long? SlotContextTokens { get; private init; }

    public string? Build { get; private init; }

    public string? ModelAlias { get; private init; }

    public bool MetricsEnabled { get; private init; }

    public bool SlotsEnabled { get; private init; }

    public bool TakesImages { get; private init; }

    /// <summary>The properties, or null where the body is not llama-server's.</summary>
    public static LlamaCppProps? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        if (document?.RootElement.Count("total_slots") is not { } slots
            || document.RootElement.Field("default_generation_settings") is not { } settings)
        {
            return null;
        }

        var root = document.RootElement;
        return new LlamaCppProps
        {
            Slots = slots,
            SlotContextTokens = settings.Count("n_ctx"),
            Build = root.Text("build_info"),
            ModelAlias = root.Text("model_alias"),
            MetricsEnabled = root.Flag("endpoint_metrics") ?? false,
            SlotsEnabled = root.Flag("endpoint_slots") ?? false,
            TakesImages = root.Field("modalities")?.Flag("vision") ?? false,
        };
    }
}
