using System.Web;
using Npgsql;

namespace Penstock.Gateway.Storage;

/// <summary>From <c>postgres://USER@HOST:PORT/DATABASE?sslmode=…</c> to what the driver wants.</summary>
internal static class PostgresAddress
{
    private const int Seconds = 3;

    /// <param name="url">Without a password.</param>
    /// <param name="password">The password; null where the server asks for none.</param>
    public static string ConnectionString(Uri url, string? password)
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host.Trim('[', ']'),
            Port = url.IsDefaultPort || url.Port < 0 ? NpgsqlConnection.DefaultPort : url.Port,
            Database = Uri.UnescapeDataString(url.AbsolutePath.Trim('/')),
            Username = Uri.UnescapeDataString(url.UserInfo),
            Password = password,
            ApplicationName = "penstock",
            Pooling = false,
            Timeout = Seconds,
            CommandTimeout = Seconds,
            CancellationTimeout = -1,
            GssEncryptionMode = GssEncryptionMode.Disable,
            IncludeErrorDetail = false,
        };
        if (HttpUtility.ParseQueryString(url.Query)["sslmode"] is { } mode
            && Enum.TryParse<SslMode>(mode.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var ssl))
        {
            builder.SslMode = ssl;
        }

        return builder.ConnectionString;
    }
}
