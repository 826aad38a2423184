using Penstock.Wire.ModelLists;

namespace Penstock.Wire.LlamaCpp;

/// <summary>The answer of llama-server's <c>GET /slots</c>, added up.</summary>
public readonly record struct LlamaCppSlots
{
    private const int SlotsMax = 4096;

    public long Slots { get; private init; }

    /// <summary>Slots at work.</summary>
    public long Busy { get; private init; }

    /// <summary>Tokens of prompt and answer that busy slots hold, where told.</summary>
    public long UsedTokens { get; private init; }

    /// <summary>Tokens that all slots can hold.</summary>
    public long ContextTokens { get; private init; }

    /// <summary>The slots, or null where the body is no list of slots.</summary>
    public static LlamaCppSlots? Parse(ReadOnlyMemory<byte> body)
    {
        using var document = LenientJson.TryParse(body);
        if (document is null)
        {
            return null;
        }

        var sum = default(LlamaCppSlots);
        foreach (var slot in LenientJson.Items(document.RootElement, SlotsMax))
        {
            if (slot.Flag("is_processing") is not { } busy)
            {
                continue;
            }

            var next = LenientJson.Items(slot.Field("next_token"), 1).FirstOrDefault();
            var used = (slot.Count("n_prompt_tokens") ?? 0) + (next.Count("n_decoded") ?? 0);
            sum = sum with
            {
                Slots = sum.Slots + 1,
                Busy = sum.Busy + (busy ? 1 : 0),
                UsedTokens = sum.UsedTokens + (busy ? used : 0),
                ContextTokens = sum.ContextTokens + (slot.Count("n_ctx") ?? 0),
            };
        }

        return sum.Slots > 0 ? sum : null;
    }
}
