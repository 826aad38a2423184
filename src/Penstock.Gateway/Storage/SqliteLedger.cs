using Dapper;
using Microsoft.Data.Sqlite;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Storage;

/// <summary>
/// The ledger in SQLite. Applying is for one caller at a time and keeps its connection and statements; each query
/// has a connection of its own. Calls run on the caller's thread: SQLite has no other way.
/// </summary>
internal sealed class SqliteLedger(SqliteDatabase database) : ILedgerStorage, IDisposable
{
    private readonly Lock _gate = new();
    private SqliteLedgerStatements? _statements;

    public Task ApplyAsync(Guid journal, IReadOnlyList<LedgerChange> changes, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_gate)
        {
            try
            {
                _statements ??= new SqliteLedgerStatements(database.Connect());
                _statements.Apply(journal, changes);
            }
            catch
            {
                // Whatever went wrong, the next try starts from a fresh connection.
                _statements?.Dispose();
                _statements = null;
                throw;
            }
        }

        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<AdmissionRecord>> ReadOpenAsync(
        Guid journal, int max, CancellationToken cancellation)
    {
        using var connection = database.ConnectToRead();
        var rows = await connection.QueryAsync<EntryRow>(new CommandDefinition(
            "SELECT * FROM entries WHERE settled = 0 AND journal = @journal ORDER BY request_id, attempt LIMIT @max",
            new { journal = journal.ToByteArray(bigEndian: true), max },
            cancellationToken: cancellation));
        return [.. rows.Select(row => row.Admission())];
    }

    public async Task<IReadOnlyList<LedgerEntry>> ReadEntriesAsync(Guid requestId, CancellationToken cancellation)
    {
        using var connection = database.ConnectToRead();
        using var both = await connection.QueryMultipleAsync(new CommandDefinition(
            """
            SELECT * FROM entries WHERE request_id = @id ORDER BY attempt;
            SELECT attempt, side, account, micro_usd FROM postings WHERE request_id = @id ORDER BY attempt, line;
            """,
            new { id = requestId.ToByteArray(bigEndian: true) },
            cancellationToken: cancellation));
        var entries = await both.ReadAsync<EntryRow>();
        var postings = (await both.ReadAsync<PostingRow>()).ToLookup(row => row.attempt);
        return
        [
            .. entries.Select(row => new LedgerEntry(
                row.Admission(),
                row.Settlement(),
                [.. postings[row.attempt].Select(line => new Posting(line.side, line.account, line.micro_usd))])),
        ];
    }

    public async Task<IReadOnlyList<UsageRow>> QueryAsync(UsageQuery query, CancellationToken cancellation)
    {
        using var connection = database.ConnectToRead();
        return await SqliteUsageReport.QueryAsync(connection, query, cancellation);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _statements?.Dispose();
            _statements = null;
        }
    }
}
