using Dapper;
using Npgsql;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Membership;

namespace Penstock.Gateway.Storage;

/// <summary>
/// <see cref="IMemberStore"/> on PostgreSQL: one table, one connection. Ages are taken by the database's own clock, so
/// those of the gateways do not matter. A notification tells of comings and goings; the next beat finds them without.
/// </summary>
/// <remarks>One caller at a time. After a failure the connection is given up; the next call opens another.</remarks>
internal sealed class PostgresMembers(string connectionString) : IMemberStore
{
    private const string Channel = "penstock_members";

    /// <summary>Beats between two looks for entries to delete.</summary>
    private const int CleanEvery = 30;

    private const string BeatSql =
        """
        UPDATE penstock.members SET beat_at = clock_timestamp(), address = @Address
        WHERE node = @Node AND epoch = @Epoch
        """;

    // A name that another process holds is taken at the start, and later only from one that is not heard any more.
    private const string EnterSql =
        """
        INSERT INTO penstock.members (node, address, epoch) VALUES (@Node, @Address, @Epoch)
        ON CONFLICT (node) DO UPDATE SET
            address = excluded.address,
            epoch = greatest(excluded.epoch, penstock.members.epoch + 1),
            started_at = clock_timestamp(),
            beat_at = clock_timestamp()
        WHERE NOT @Entered OR penstock.members.beat_at < clock_timestamp() - @AliveWithin
        RETURNING epoch
        """;

    private const string ReadSql =
        """
        SELECT node AS Node, address AS Address, epoch AS Epoch, started_at AS StartedAt,
            clock_timestamp() - beat_at AS BeatAge
        FROM penstock.members WHERE beat_at >= clock_timestamp() - @AliveWithin
        ORDER BY node LIMIT @Most
        """;

    private NpgsqlConnection? _connection;
    private int _beats;

    public async Task<MemberRoll> BeatAsync(ClusterSelf self, bool entered, CancellationToken stop)
    {
        try
        {
            var connection = await OpenAsync(stop);
            var row = new { self.Node, self.Epoch, Address = self.Address!.ToString() };
            var epoch = await connection.ExecuteAsync(Command(BeatSql, row, stop)) > 0
                ? self.Epoch
                : await EnterAsync(connection, self, entered, stop);
            if (_beats++ % CleanEvery == 0)
            {
                await connection.ExecuteAsync(Command(
                    "DELETE FROM penstock.members WHERE beat_at < clock_timestamp() - @DeleteAfter",
                    new { MemberTimes.DeleteAfter }, stop));
            }

            var rows = await connection.QueryAsync<Row>(Command(
                ReadSql, new { MemberTimes.AliveWithin, Most = PeerNode.SeatsMax + 1 }, stop));
            return new MemberRoll(epoch, [.. rows.Select(Read).OfType<Member>()]);
        }
        catch
        {
            await CloseAsync();
            throw;
        }
    }

    public async Task<bool> WaitForNewsAsync(TimeSpan atMost, CancellationToken stop)
    {
        try
        {
            return await (await OpenAsync(stop)).WaitAsync(atMost, stop);
        }
        catch
        {
            await CloseAsync();
            throw;
        }
    }

    public async Task LeaveAsync(ClusterSelf self, CancellationToken stop)
    {
        var connection = await OpenAsync(stop);
        await connection.ExecuteAsync(Command(
            $"DELETE FROM penstock.members WHERE node = @Node AND epoch = @Epoch; NOTIFY {Channel}",
            new { self.Node, self.Epoch }, stop));
    }

    public async ValueTask DisposeAsync() => await CloseAsync();

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken stop)
    {
        if (_connection is null)
        {
            var connection = new NpgsqlConnection(connectionString);
            try
            {
                await connection.OpenAsync(stop);
                await PostgresMigrations.ApplyAsync(connection, stop);
                await connection.ExecuteAsync(Command($"LISTEN {Channel}", null, stop));
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }

            _connection = connection;
        }

        return _connection;
    }

    private static async Task<long?> EnterAsync(
        NpgsqlConnection connection, ClusterSelf self, bool entered, CancellationToken stop)
    {
        var epoch = await connection.ExecuteScalarAsync<long?>(Command(
            EnterSql,
            new
            {
                self.Node,
                self.Epoch,
                Address = self.Address!.ToString(),
                Entered = entered,
                MemberTimes.AliveWithin,
            },
            stop));
        if (epoch is not null)
        {
            await connection.ExecuteAsync(Command($"NOTIFY {Channel}", null, stop));
        }

        return epoch;
    }

    private async Task CloseAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }

    private static CommandDefinition Command(string sql, object? values, CancellationToken stop) =>
        new(sql, values, cancellationToken: stop);

    // A row that another program wrote wrongly harms nobody but itself.
    private static Member? Read(Row row) =>
        Uri.TryCreate(row.Address, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? new Member(
                row.Node, address!, row.Epoch, new DateTimeOffset(row.StartedAt.ToUniversalTime()), row.BeatAge)
            : null;

    private sealed record Row
    {
        public string Node { get; init; } = "";

        public string Address { get; init; } = "";

        public long Epoch { get; init; }

        public DateTime StartedAt { get; init; }

        public TimeSpan BeatAge { get; init; }
    }
}
