using Microsoft.Data.Sqlite;

namespace Penstock.Gateway.Storage;

/// <summary>
/// The embedded database: one SQLite file in WAL mode. One process writes; others may read while it does. Make it
/// with <see cref="Open"/>; connections are the caller's to close.
/// </summary>
internal sealed class SqliteDatabase
{
    private const string FileName = "penstock.db";
    private const int BusyTimeoutMilliseconds = 5000;

    private SqliteDatabase(string path) => Path = path;

    public string Path { get; }

    /// <summary>Opens the database of a data directory, makes it where it is missing, and migrates it.</summary>
    /// <exception cref="SqliteException">The file is not a database, is newer than this program, or fails.</exception>
    public static SqliteDatabase Open(string dataDirectory)
    {
        Directory.CreateDirectory(dataDirectory);
        var database = new SqliteDatabase(System.IO.Path.Combine(dataDirectory, FileName));
        using var connection = database.Connect();
        SqliteMigrations.Apply(connection);
        return database;
    }

    /// <summary>The database for reading only; null where the data directory has none.</summary>
    public static SqliteDatabase? OpenToRead(string dataDirectory)
    {
        var path = System.IO.Path.Combine(dataDirectory, FileName);
        return File.Exists(path) ? new SqliteDatabase(path) : null;
    }

    /// <summary>A connection that writes. A commit is on disk when it returns.</summary>
    public SqliteConnection Connect() =>
        Connect("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", SqliteOpenMode.ReadWriteCreate);

    /// <summary>A connection that only reads. It does not create the file, nor wait for the writer.</summary>
    public SqliteConnection ConnectToRead() => Connect("PRAGMA query_only = 1;", SqliteOpenMode.ReadWrite);

    private SqliteConnection Connect(string pragmas, SqliteOpenMode mode)
    {
        _ = SqliteEngine.Version;
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path,
            Mode = mode,
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = $"PRAGMA busy_timeout = {BusyTimeoutMilliseconds}; {pragmas}";
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
