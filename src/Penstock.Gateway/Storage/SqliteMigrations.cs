using Dapper;
using Microsoft.Data.Sqlite;

namespace Penstock.Gateway.Storage;

/// <summary>
/// Applies the numbered SQL files of <c>Migrations/sqlite</c>, each once and in order, each in its own transaction
/// together with the record that it was applied.
/// </summary>
internal static class SqliteMigrations
{
    private const string Prefix = "Penstock.Gateway.Storage.Migrations.sqlite.";

    /// <exception cref="NotSupportedException">The database was migrated by a newer program.</exception>
    public static void Apply(SqliteConnection connection)
    {
        connection.Execute(
            """
            CREATE TABLE IF NOT EXISTS migrations (
                number     INTEGER PRIMARY KEY,
                name       TEXT NOT NULL,
                applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
            )
            """);
        var migrations = MigrationFile.All(Prefix);
        var applied = connection.ExecuteScalar<int>("SELECT coalesce(max(number), 0) FROM migrations");
        if (applied > migrations[^1].Number)
        {
            throw new NotSupportedException(
                $"the database has migration {applied}, this program knows {migrations[^1].Number}: use a newer one");
        }

        foreach (var migration in migrations.Where(migration => migration.Number > applied))
        {
            using var transaction = connection.BeginTransaction();
            connection.Execute(migration.Sql, transaction: transaction);
            connection.Execute(
                "INSERT INTO migrations (number, name) VALUES (@Number, @Name)",
                new { migration.Number, migration.Name },
                transaction);
            transaction.Commit();
        }
    }
}
