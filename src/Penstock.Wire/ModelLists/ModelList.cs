using System.Collections.Immutable;
using System.Text.Json;

namespace Penstock.Wire.ModelLists;

/// <summary>
/// The answer to <c>GET /v1/models</c>, in OpenAI's form (with the additions of vLLM, SGLang and llama.cpp) or in
/// Anthropic's. Formats: the OpenAI and Anthropic API references; <c>max_model_len</c> from vLLM and SGLang,
/// <c>meta</c> and <c>aliases</c> from llama.cpp's server.
/// </summary>
public sealed record ModelList(ImmutableArray<ModelCard> Cards, bool IsAnthropic)
{
    /// <summary>Entries that are read of a list; the rest is left out.</summary>
    public const int CardsMax = 4096;

    private const int AliasesMax = 64;
    private const int NameCharsMax = 512;

    /// <summary>The list, or null where the body is none.</summary>
    public static ModelList? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        if (document?.RootElement.Field("data") is not { ValueKind: JsonValueKind.Array } data)
        {
            return null;
        }

        var cards = ImmutableArray.CreateBuilder<ModelCard>();
        var anthropic = document.RootElement.Text("object") is null
            && document.RootElement.Field("has_more") is not null;
        foreach (var entry in LenientJson.Items(data, CardsMax))
        {
            if (Name(entry.Text("id")) is { } id)
            {
                cards.Add(ReadCard(entry, id));
            }
        }

        return new ModelList(cards.ToImmutable(), anthropic);
    }

    private static ModelCard ReadCard(JsonElement entry, string id) => new(id)
    {
        OwnedBy = entry.Text("owned_by"),
        DisplayName = entry.Text("display_name"),
        Parent = entry.Text("parent"),
        ContextTokens = entry.Count("max_model_len")
            ?? entry.Field("meta")?.Count("n_ctx")
            ?? entry.Count("context_length")
            ?? entry.Count("context_window")
            ?? entry.Field("meta")?.Count("n_ctx_train"),
        Aliases =
        [
            .. LenientJson.Items(entry.Field("aliases"), AliasesMax)
                .Select(a => Name(a.Text()))
                .OfType<string>()
                .Where(a => a != id),
        ],
    };

    private static string? Name(string? text) => text is { Length: > 0 and <= NameCharsMax } ? text : null;
}
