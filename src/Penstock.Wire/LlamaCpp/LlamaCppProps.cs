using System.Globalization;
using Penstock.Wire.ModelLists;

namespace Penstock.Wire.LlamaCpp;

/// <summary>The answer of llama-server's <c>GET /props</c>. Null: not told.</summary>
public sealed record LlamaCppProps
{
    /// <summary>To within a few builds of the day it was merged.</summary>
    private const int FirstBuildWithHostCache = 6730;

    /// <summary>Requests that it works on at a time; more wait in a queue without a bound.</summary>
    public required long Slots { get; init; }

    /// <summary>Tokens of prompt and answer in one slot.</summary>
    public long? SlotContextTokens { get; private init; }

    public string? Build { get; private init; }

    /// <summary>
    /// The build keeps the prompts that lost their slot in host memory (8 GiB of them) unless it is told not to by
    /// <c>--cache-ram 0</c>, of which neither this page nor another says anything. Such a prompt comes back whole when
    /// a request shares more with it than with any slot. Source: llama.cpp pull request 16391, of October 2025.
    /// </summary>
    public bool KeepsOnHostByDefault => BuildNumber >= FirstBuildWithHostCache;

    /// <summary>The number in <c>b11669-Debian</c>; 0: there is none.</summary>
    private int BuildNumber
    {
        get
        {
            var digits = Build is ['b', .. var rest] ? rest.AsSpan() : [];
            var end = digits.IndexOfAnyExceptInRange('0', '9');
            return int.TryParse(
                end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : 0;
        }
    }

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
