using System.Globalization;
using Dapper;
using Npgsql;

namespace Penstock.Gateway.Storage;

/// <summary>
/// Applies the numbered SQL files of <c>Migrations/postgres</c>, each once and in order, all in one transaction under
/// a lock: several gateways may start at the same time. Everything is in the schema <c>penstock</c>.
/// </summary>
internal static class PostgresMigrations
{
    private const string Prefix = "Penstock.Gateway.Storage.Migrations.postgres.";

    // Any number will do, as long as all gateways use the same.
    private const long LockNumber = 0x70656E73746F636B;

    /// <exception cref="NotSupportedException">The database was migrated by a newer program.</exception>
    /// <exception cref="NpgsqlException">The database does not let it.</exception>
    public static async Task ApplyAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await RunAsync("SELECT pg_advisory_xact_lock(@LockNumber)", new { LockNumber });
        await RunAsync(
            """
            CREATE SCHEMA IF NOT EXISTS penstock;
            CREATE TABLE IF NOT EXISTS penstock.migrations (
                number     integer     PRIMARY KEY,
                name       text        NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """);
        var migrations = MigrationFile.All(Prefix);
        var applied = await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            "SELECT coalesce(max(number), 0) FROM penstock.migrations", transaction: transaction,
            cancellationToken: stop));
        if (applied > migrations[^1].Number)
        {
            throw new NotSupportedException(string.Create(
                CultureInfo.InvariantCulture,
                $"the database has migration {applied}, this program knows {migrations[^1].Number}: use a newer one"));
        }

        foreach (var migration in migrations.Where(m => m.Number > applied))
        {
            await RunAsync(migration.Sql);
            await RunAsync(
                "INSERT INTO penstock.migrations (number, name) VALUES (@Number, @Name)",
                new { migration.Number, migration.Name });
        }

        await transaction.CommitAsync(stop);

        Task RunAsync(string sql, object? values = null) => connection.ExecuteAsync(
            new CommandDefinition(sql, values, transaction, cancellationToken: stop));
    }
}
