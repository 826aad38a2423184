using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Penstock.Gateway.Storage;

/// <summary>
/// A prepared statement on SQLite's own interface, bound by position. The ADO.NET provider looks every parameter up
/// by name on every execution, which made up most of the cost of writing a row. Not thread-safe.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <exception cref="SqliteException">The SQL is wrong.</exception>
    public SqliteStatement(SqliteConnection connection, string sql)
    {
        _database = connection.Handle!;
        Check(raw.sqlite3_prepare_v2(_database, sql, out _statement));
    }

    /// <param name="position">From 1, in the order of the SQL.</param>
    /// <param name="value">Null binds NULL.</param>
    public void Bind(int position, long? value) =>
        Check(value is { } known
            ? raw.sqlite3_bind_int64(_statement, position, known)
            : raw.sqlite3_bind_null(_statement, position));

    public void Bind(int position, bool value) => Bind(position, value ? 1L : 0L);

    public void Bind(int position, string? value) =>
        Check(value is null
            ? raw.sqlite3_bind_null(_statement, position)
            : raw.sqlite3_bind_text(_statement, position, value));

    public void Bind(int position, Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        Check(raw.sqlite3_bind_blob(_statement, position, bytes));
    }

    /// <summary>Runs to the end and returns how many rows it changed.</summary>
    /// <exception cref="SqliteException">It failed; nothing of it happened.</exception>
    public int Run()
    {
        var result = raw.sqlite3_step(_statement);
        if (result != raw.SQLITE_DONE)
        {
            SqliteException.ThrowExceptionForRC(result, _database);
        }

        Check(raw.sqlite3_reset(_statement));
        return raw.sqlite3_changes(_database);
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _database);
}
