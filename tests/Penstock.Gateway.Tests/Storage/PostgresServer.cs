using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Penstock.Gateway.Storage;
using Penstock.Gateway.Tests.Clients;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Storage;

/// <summary>
/// A PostgreSQL server of the tests' own: a fresh folder, a free port on loopback, ended by its process id. Where no
/// server can be had, tests skip with the reason.
/// </summary>
public sealed class PostgresServer : IAsyncLifetime
{
    public const string Password = "not a secret: a test's";

    private const int Unavailable = 77;

    private readonly TemporaryFolder _folder = new();
    private readonly int _port = LastingPort.Next();
    private string _programs = "";
    private string? _reason;
    private Process? _server;
    private int _databases;

    private string Data => _folder.File("data");

    public async ValueTask InitializeAsync()
    {
        var found = await Command.Run(Path.Combine(Repository.Root, "eng", "components", "postgresql"));
        _reason = found.ExitCode == Unavailable ? found.Errors.Trim() : null;
        if (_reason is not null)
        {
            return;
        }

        Assert.True(found.ExitCode == 0, found.Errors);
        _programs = found.Output.Trim();
        await File.WriteAllTextAsync(_folder.File("password"), Password);
        if (Environment.IsPrivilegedProcess)
        {
            // The server refuses to run as root.
            var given = await Command.Run("chown", "-R", "postgres:postgres", _folder.Path);
            Assert.True(given.ExitCode == 0, given.Errors);
        }

        var made = await Command.Run(
            Program(
                "initdb", "-D", Data, "-U", "penstock", "-A", "scram-sha-256", "--pwfile", _folder.File("password"),
                "--no-sync", "--locale=C", "-E", "UTF8"),
            TimeSpan.FromMinutes(2));
        Assert.True(made.ExitCode == 0, made.Errors);
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }

    /// <summary>A new, empty database: its address and the connection string to it.</summary>
    public async Task<(Uri Url, string ConnectionString)> NewDatabaseAsync()
    {
        Assert.SkipWhen(_reason is not null, _reason ?? "");
        var name = string.Create(CultureInfo.InvariantCulture, $"test{++_databases}");
        await using var connection = new NpgsqlConnection(Of("postgres").ConnectionString);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"CREATE DATABASE {name}";
        await command.ExecuteNonQueryAsync();
        return Of(name);
    }

    /// <summary>Takes the server away, as a crash does.</summary>
    public async Task StopAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            using (server)
            {
                await Command.Run("kill", "-QUIT", server.Id.ToString(CultureInfo.InvariantCulture));
                await server.WaitForExitAsync();
            }
        }
    }

    /// <summary>Starts it, or starts it again: same port, same data.</summary>
    public async Task StartAsync()
    {
        var start = Program(
            "postgres", "-D", Data, "-p", _port.ToString(CultureInfo.InvariantCulture),
            "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={_folder.Path}", "-c", "fsync=off");
        start.RedirectStandardError = true;
        _server = Process.Start(start)!;
        var said = new List<string>();
        while (await _server.StandardError.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (line.Contains("ready to accept connections", StringComparison.Ordinal))
            {
                // Read on: a server whose log nobody reads stops when the pipe is full.
                _ = _server.StandardError.ReadToEndAsync();
                return;
            }
        }

        Assert.Fail($"the server did not start:\n{string.Join("\n", said)}");
    }

    private (Uri Url, string ConnectionString) Of(string database)
    {
        var url = new Uri(string.Create(
            CultureInfo.InvariantCulture, $"postgres://penstock@127.0.0.1:{_port}/{database}?sslmode=disable"));
        return (url, PostgresAddress.ConnectionString(url, Password));
    }

    private ProcessStartInfo Program(string name, params string[] arguments)
    {
        var program = Path.Combine(_programs, name);
        return Environment.IsPrivilegedProcess
            ? new("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", program, .. arguments])
            {
                WorkingDirectory = _folder.Path,
            }
            : new(program, arguments);
    }
}
