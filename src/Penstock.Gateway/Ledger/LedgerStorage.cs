namespace Penstock.Gateway.Ledger;

/// <summary>
/// What to make true of one ledger entry. With both parts it is a settled entry, with an admission alone an open one,
/// with a settlement alone it settles the open entry of that key (or stands alone where the admission was lost).
/// </summary>
internal sealed record LedgerChange(AdmissionRecord? Admission, SettlementRecord? Settlement)
{
    public AttemptKey Key => Admission?.Key ?? Settlement!.Value.Key;
}

/// <summary>
/// The port to the database that holds the ledger. Every implementation keeps to the same contract suite.
/// </summary>
internal interface ILedgerStorage
{
    /// <summary>
    /// Applies the changes in one durable transaction. Idempotent: an entry that exists is not added again, and an
    /// entry that is settled never changes, whatever is applied later. The postings of an entry are written with its
    /// settlement and balance to zero.
    /// </summary>
    /// <param name="journal">The journal that the changes come from; it owns the entries that stay open.</param>
    Task ApplyAsync(Guid journal, IReadOnlyList<LedgerChange> changes, CancellationToken cancellation);

    /// <summary>At most <paramref name="max"/> entries of the journal that are open.</summary>
    Task<IReadOnlyList<AdmissionRecord>> ReadOpenAsync(Guid journal, int max, CancellationToken cancellation);

    /// <summary>The entries of one request by attempt.</summary>
    Task<IReadOnlyList<LedgerEntry>> ReadEntriesAsync(Guid requestId, CancellationToken cancellation);

    /// <summary>Sums over entries, ordered by the columns grouped by.</summary>
    Task<IReadOnlyList<UsageRow>> QueryAsync(UsageQuery query, CancellationToken cancellation);
}

/// <summary>One entry as the ledger holds it.</summary>
/// <param name="Admission">Texts are <c>unknown</c> where the admission was lost to a damaged disk.</param>
/// <param name="Settlement">Null while the entry is open.</param>
/// <param name="Postings">The double entry; empty where nothing was owed.</param>
internal sealed record LedgerEntry(
    AdmissionRecord Admission, SettlementRecord? Settlement, IReadOnlyList<Posting> Postings);

/// <summary>One line of a double entry. Positive is owed to the account's holder, negative by it.</summary>
/// <param name="Side"><c>customer</c>: what the organisation owes; <c>provider</c>: what we owe.</param>
/// <param name="Account">Such as <c>receivable/acme</c>.</param>
/// <param name="MicroUsd">The lines of one side of an entry sum to zero.</param>
internal sealed record Posting(string Side, string Account, long MicroUsd);
