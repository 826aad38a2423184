using System.Collections.Immutable;
using Penstock.Wire.ModelLists;

namespace Penstock.Engines.Adapters;

/// <summary>From what an engine lists to what it serves.</summary>
internal static class ServedModels
{
    public static ImmutableArray<ServedModel> ToServed(this ModelList list) =>
    [
        .. list.Cards.Select(card => new ServedModel(card.Id)
        {
            Aliases = card.Aliases,
            DisplayName = card.DisplayName,
            ContextTokens = card.ContextTokens,
            Parent = card.Parent,
        }),
    ];

    /// <summary>The list says that there is no real model behind it.</summary>
    public static bool SaySimulated(this ModelList list) =>
        list.Cards.Any(c => c.OwnedBy?.Contains("simulated", StringComparison.OrdinalIgnoreCase) ?? false);
}
