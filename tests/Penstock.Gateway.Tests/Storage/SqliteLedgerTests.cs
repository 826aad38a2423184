using System.Runtime.InteropServices;
using Dapper;
using Penstock.Core.Metering;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Storage;
using Penstock.Gateway.Tests.Ledger;

namespace Penstock.Gateway.Tests.Storage;

/// <summary>The contract on the embedded database.</summary>
public sealed class SqliteLedgerTests : LedgerStorageContract, IDisposable
{
    private readonly List<IDisposable> _opened = [];

    public void Dispose()
    {
        _opened.Reverse();
        _opened.ForEach(opened => opened.Dispose());
    }

    private protected override ILedgerStorage Open() => OpenIn(NewDirectory());

    [Fact]
    public async Task The_report_reads_while_another_connection_is_writing()
    {
        var directory = NewDirectory();
        var ledger = OpenIn(directory);
        await ledger.ApplyAsync(Guid.Empty, [Change(1)], Cancellation);
        using var writer = SqliteDatabase.Open(directory).Connect();
        using var transaction = writer.BeginTransaction();
        writer.Execute("DELETE FROM entries", transaction: transaction);

        var rows = await ReadAsync(directory);

        Assert.Equal(1, Assert.Single(rows).Requests);
    }

    [Fact]
    public async Task The_report_reads_a_ledger_whose_server_has_stopped()
    {
        var directory = NewDirectory();
        using (var ledger = new SqliteLedger(SqliteDatabase.Open(directory)))
        {
            await ledger.ApplyAsync(Guid.Empty, [Change(1)], Cancellation);
        }

        var rows = await ReadAsync(directory);

        Assert.Equal(new TokenUsage(11, 2, 3, 4000, 50, 5), Assert.Single(rows).Usage);
    }

    [Fact]
    public void A_directory_without_a_ledger_has_none_to_read_and_gets_none()
    {
        var directory = NewDirectory();

        Assert.Null(SqliteDatabase.OpenToRead(directory));
        Assert.Empty(Directory.GetFileSystemEntries(directory));
    }

    [Fact]
    public async Task The_sums_of_the_postings_are_the_sums_of_the_report()
    {
        var directory = NewDirectory();
        var ledger = OpenIn(directory);
        await ledger.ApplyAsync(Guid.Empty, [.. Enumerable.Range(0, 40).Select(Change)], Cancellation);
        using var connection = SqliteDatabase.Open(directory).ConnectToRead();

        var row = Assert.Single(await ledger.QueryAsync(new() { By = UsageGrouping.None }, Cancellation));

        Assert.Equal(row.Price.MicroUsd, Sum("account LIKE 'receivable/%'"));
        Assert.Equal(row.Cost.MicroUsd, Sum("account LIKE 'cost/%'"));
        Assert.Equal(0, Sum("side = 'customer'"));
        Assert.Equal(0, Sum("side = 'provider'"));

        long Sum(string where) =>
            connection.ExecuteScalar<long>($"SELECT sum(micro_usd) FROM postings WHERE {where}");
    }

    [Fact]
    public async Task A_batch_that_fails_leaves_nothing_and_can_be_applied_again()
    {
        var directory = NewDirectory();
        var ledger = OpenIn(directory);
        using (var connection = SqliteDatabase.Open(directory).Connect())
        {
            connection.Execute("ALTER TABLE postings RENAME TO gone");
        }

        await Assert.ThrowsAnyAsync<Exception>(() => ledger.ApplyAsync(Guid.Empty, [Change(1)], Cancellation));
        using (var connection = SqliteDatabase.Open(directory).Connect())
        {
            Assert.Equal(0, connection.ExecuteScalar<int>("SELECT count(*) FROM entries"));
            connection.Execute("ALTER TABLE gone RENAME TO postings");
        }

        await ledger.ApplyAsync(Guid.Empty, [Change(1)], Cancellation);
        Assert.Single(await ledger.ReadEntriesAsync(LedgerSamples.Key(1).RequestId, Cancellation));
    }

    [Fact]
    public void Migrations_are_applied_once()
    {
        var directory = NewDirectory();
        SqliteDatabase.Open(directory);
        using var connection = SqliteDatabase.Open(directory).Connect();

        Assert.Equal(["0001_ledger.sql"], connection.Query<string>("SELECT name FROM migrations ORDER BY number"));
    }

    [Fact]
    public void A_database_of_a_newer_program_is_refused()
    {
        var directory = NewDirectory();
        using (var connection = SqliteDatabase.Open(directory).Connect())
        {
            connection.Execute("INSERT INTO migrations (number, name) VALUES (9999, 'later')");
        }

        Assert.Throws<NotSupportedException>(() => SqliteDatabase.Open(directory));
    }

    [Fact]
    public void A_commit_is_forced_to_disk()
    {
        using var connection = SqliteDatabase.Open(NewDirectory()).Connect();

        Assert.Equal("wal", connection.ExecuteScalar<string>("PRAGMA journal_mode"));
        Assert.Equal(2, connection.ExecuteScalar<int>("PRAGMA synchronous"));
    }

    [Fact]
    public void The_native_library_is_the_systems_where_there_is_one()
    {
        const string OfThePackage = "3.35.5";
        var system = NativeLibrary.TryLoad("libsqlite3.so.0", out var library)
            ? Marshal.PtrToStringUTF8(
                Marshal.GetDelegateForFunctionPointer<LibraryVersion>(
                    NativeLibrary.GetExport(library, "sqlite3_libversion"))())
            : OfThePackage;

        Assert.Equal(system, SqliteEngine.Version);
    }

    private delegate nint LibraryVersion();

    private static LedgerChange Change(int number) =>
        new(LedgerSamples.Admission(number), LedgerSamples.Settlement(number));

    private static async Task<IReadOnlyList<UsageRow>> ReadAsync(string directory)
    {
        using var ledger = new SqliteLedger(SqliteDatabase.OpenToRead(directory)!);
        return await ledger.QueryAsync(new UsageQuery(), Cancellation);
    }

    private SqliteLedger OpenIn(string directory)
    {
        var ledger = new SqliteLedger(SqliteDatabase.Open(directory));
        _opened.Add(ledger);
        return ledger;
    }

    private string NewDirectory()
    {
        var directory = new TemporaryDirectory();
        _opened.Add(directory);
        return directory.Path;
    }
}
