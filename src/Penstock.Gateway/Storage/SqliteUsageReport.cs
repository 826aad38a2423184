using System.Globalization;
using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;
using Penstock.Core.Metering;
using Penstock.Core.Primitives;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Storage;

/// <summary>The usage report as one grouped query over settled entries.</summary>
internal static class SqliteUsageReport
{
    private const string Sums =
        """
        count(DISTINCT request_id) AS Requests,
        coalesce(sum(outcome <> @notReached), 0) AS Attempts,
        coalesce(sum(input_tokens), 0) AS Input,
        coalesce(sum(cache_write_5m_tokens), 0) AS CacheWrite5m,
        coalesce(sum(cache_write_1h_tokens), 0) AS CacheWrite1h,
        coalesce(sum(cache_read_tokens), 0) AS CacheRead,
        coalesce(sum(output_tokens), 0) AS Output,
        coalesce(sum(thinking_tokens), 0) AS Thinking,
        coalesce(sum(price_micro_usd), 0) AS Price,
        coalesce(sum(cost_micro_usd), 0) AS Cost,
        coalesce(sum(usage_estimated), 0) AS Estimated,
        coalesce(sum(price_micro_usd IS NULL), 0) AS Unpriced
        """;

    public static async Task<IReadOnlyList<UsageRow>> QueryAsync(
        SqliteConnection connection, UsageQuery query, CancellationToken cancellation)
    {
        var rows = await connection.QueryAsync<SumRow>(new CommandDefinition(
            Sql(query),
            new
            {
                from = query.From is { } from ? Microseconds(from) : (long?)null,
                to = query.To is { } to ? Microseconds(to) : (long?)null,
                keyId = query.KeyId,
                model = query.Model,
                notReached = (int)AttemptOutcome.NotReached,
            },
            cancellationToken: cancellation));
        return [.. rows.Where(row => row.Requests > 0).Select(row => row.ToUsage())];
    }

    private static string Sql(UsageQuery query)
    {
        List<string> columns = [];
        AddIf(UsageGrouping.Day, "date(admitted_at / 1000000, 'unixepoch') AS Day");
        AddIf(UsageGrouping.Key, "key_id AS KeyId");
        AddIf(UsageGrouping.Model, "model AS Model");
        var sql = new StringBuilder("SELECT ").AppendJoin(", ", columns.Append(Sums));
        sql.Append(" FROM entries WHERE settled = 1");
        sql.Append(query.From is null ? "" : " AND admitted_at >= @from");
        sql.Append(query.To is null ? "" : " AND admitted_at < @to");
        sql.Append(query.KeyId is null ? "" : " AND key_id = @keyId");
        sql.Append(query.Model is null ? "" : " AND model = @model");
        if (columns.Count > 0)
        {
            var places = string.Join(", ", Enumerable.Range(1, columns.Count));
            sql.Append(" GROUP BY ").Append(places).Append(" ORDER BY ").Append(places);
        }

        return sql.ToString();

        void AddIf(UsageGrouping grouping, string column)
        {
            if (query.By.HasFlag(grouping))
            {
                columns.Add(column);
            }
        }
    }

    private static long Microseconds(DateTimeOffset time) =>
        (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    private sealed class SumRow
    {
        public string? Day { get; set; }

        public string? KeyId { get; set; }

        public string? Model { get; set; }

        public long Requests { get; set; }

        public long Attempts { get; set; }

        public long Input { get; set; }

        public long CacheWrite5m { get; set; }

        public long CacheWrite1h { get; set; }

        public long CacheRead { get; set; }

        public long Output { get; set; }

        public long Thinking { get; set; }

        public long Price { get; set; }

        public long Cost { get; set; }

        public long Estimated { get; set; }

        public long Unpriced { get; set; }

        public UsageRow ToUsage() => new()
        {
            Day = Day is null ? null : DateOnly.ParseExact(Day, "yyyy-MM-dd", CultureInfo.InvariantCulture),
            KeyId = KeyId,
            Model = Model,
            Requests = Requests,
            Attempts = Attempts,
            Usage = new TokenUsage(Input, CacheWrite5m, CacheWrite1h, CacheRead, Output, Thinking),
            Price = new Money(Price),
            Cost = new Money(Cost),
            Estimated = Estimated,
            Unpriced = Unpriced,
        };
    }
}
