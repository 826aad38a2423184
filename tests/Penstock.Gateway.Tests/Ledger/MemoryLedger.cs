using Microsoft.Data.Sqlite;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>A ledger in memory that keeps to the contract and fails when told to.</summary>
internal sealed class MemoryLedger : ILedgerStorage
{
    public Dictionary<AttemptKey, (Guid Journal, LedgerChange Change)> Entries { get; } = [];

    public bool Fails { get; set; }

    public int Batches { get; private set; }

    public Task ApplyAsync(Guid journal, IReadOnlyList<LedgerChange> changes, CancellationToken cancellation)
    {
        if (Fails)
        {
            throw new SqliteException("disk I/O error", 10);
        }

        Batches++;
        foreach (var change in changes)
        {
            if (!Entries.TryGetValue(change.Key, out var known))
            {
                Entries.Add(change.Key, (journal, change));
            }
            else if (known.Change.Settlement is null && change.Settlement is not null)
            {
                Entries[change.Key] = (known.Journal, new(known.Change.Admission, change.Settlement));
            }
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<AdmissionRecord>> ReadOpenAsync(Guid journal, int max, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<AdmissionRecord>>(
        [
            .. Entries.Values
                .Where(entry => entry.Journal == journal && entry.Change.Settlement is null)
                .Take(max)
                .Select(entry => entry.Change.Admission!.Value),
        ]);

    public Task<IReadOnlyList<LedgerEntry>> ReadEntriesAsync(Guid requestId, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<UsageRow>> QueryAsync(UsageQuery query, CancellationToken cancellation) =>
        throw new NotSupportedException();
}
