using Penstock.Core.Primitives;

namespace Penstock.Gateway.Ledger;

/// <summary>
/// The double entry of a settlement. Customer side: the organisation's receivable against the revenue of the model.
/// Provider side: the cost of the model against what the pool's provider is owed.
/// </summary>
internal static class Postings
{
    public const string Unknown = "unknown";

    public static List<Posting> Of(LedgerChange change)
    {
        var postings = new List<Posting>(4);
        if (change.Settlement is not { } settlement)
        {
            return postings;
        }

        var org = change.Admission?.Org ?? Unknown;
        var model = change.Admission?.Model ?? Unknown;
        var pool = change.Admission?.Pool ?? Unknown;
        Add(postings, settlement.Price, "customer", $"receivable/{org}", $"revenue/{model}");
        Add(postings, settlement.Cost, "provider", $"cost/{model}", $"payable/{pool}");
        return postings;
    }

    private static void Add(List<Posting> postings, Money? amount, string side, string debit, string credit)
    {
        if (amount is { MicroUsd: not 0 } money)
        {
            postings.Add(new(side, debit, money.MicroUsd));
            postings.Add(new(side, credit, (-money).MicroUsd));
        }
    }
}
