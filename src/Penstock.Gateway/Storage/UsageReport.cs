using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Storage;

/// <summary>
/// The usage report of a data directory, for commands that run beside a server or without one. It reads what the
/// ledger holds: the last moments before now are still in the server's journal.
/// </summary>
public static class UsageReport
{
    /// <summary>The rows; none where the directory holds no ledger.</summary>
    /// <exception cref="System.Data.Common.DbException">The database cannot be read.</exception>
    public static async Task<IReadOnlyList<UsageRow>> QueryAsync(
        string dataDirectory, UsageQuery query, CancellationToken cancellation = default)
    {
        if (SqliteDatabase.OpenToRead(dataDirectory) is not { } database)
        {
            return [];
        }

        using var ledger = new SqliteLedger(database);
        return await ledger.QueryAsync(query, cancellation);
    }
}
