using Microsoft.Data.Sqlite;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Storage;

/// <summary>
/// The prepared statements that write the ledger, on one connection. Parameters are bound by hand: this is the one
/// place where rows are written by the thousand.
/// </summary>
internal sealed class SqliteLedgerStatements : IDisposable
{
    private const string EntryColumns =
        """
        request_id, attempt, journal, settled, admitted_at, key_id, org, workspace, model, pool, replica, dialect,
        stream, prompt_tokens_estimate, output_tokens_max, settled_at, outcome, http_status, input_tokens,
        cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, output_tokens, thinking_tokens,
        usage_estimated, price_micro_usd, cost_micro_usd, first_byte_us, duration_us, decision_id, request_bytes,
        response_bytes
        """;

    private static readonly string[] Columns =
        EntryColumns.Split([',', ' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);

    private static readonly int SettledColumn = Array.IndexOf(Columns, "settled");
    private static readonly int FirstSettlementColumn = Array.IndexOf(Columns, "settled_at");

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _entry;
    private readonly SqliteCommand _posting;

    public SqliteLedgerStatements(SqliteConnection connection)
    {
        _connection = connection;
        var set = string.Join(
            ", ", Columns[FirstSettlementColumn..].Append("settled").Select(name => $"{name} = excluded.{name}"));

        // An open entry is settled by whatever comes first; a settled one never changes.
        _entry = Prepare(
            $"""
            INSERT INTO entries ({EntryColumns}) VALUES ({string.Join(", ", Columns.Select(name => "@" + name))})
            ON CONFLICT (request_id, attempt) DO UPDATE SET {set} WHERE settled = 0 AND excluded.settled = 1
            """,
            Columns);
        _posting = Prepare(
            """
            INSERT INTO postings (request_id, attempt, line, side, account, micro_usd)
            VALUES (@request_id, @attempt, @line, @side, @account, @micro_usd)
            """,
            ["request_id", "attempt", "line", "side", "account", "micro_usd"]);
    }

    /// <summary>All changes in one transaction.</summary>
    public void Apply(Guid journal, IReadOnlyList<LedgerChange> changes)
    {
        var journalId = journal.ToByteArray(bigEndian: true);
        using var transaction = _connection.BeginTransaction();
        _entry.Transaction = transaction;
        _posting.Transaction = transaction;
        foreach (var change in changes)
        {
            var requestId = change.Key.RequestId.ToByteArray(bigEndian: true);
            BindAdmission(change, requestId, journalId);
            BindSettlement(change.Settlement);
            if (_entry.ExecuteNonQuery() > 0 && change.Settlement is not null)
            {
                WritePostings(change, requestId);
            }
        }

        transaction.Commit();
    }

    public void Dispose()
    {
        _entry.Dispose();
        _posting.Dispose();
        _connection.Dispose();
    }

    private void BindAdmission(LedgerChange change, byte[] requestId, byte[] journal)
    {
        var admission = change.Admission;
        var values = _entry.Parameters;
        values[0].Value = requestId;
        values[1].Value = change.Key.Attempt;
        values[2].Value = journal;
        values[SettledColumn].Value = change.Settlement is null ? 0 : 1;
        values[4].Value = MicrosecondsOf(admission?.At ?? change.Settlement!.Value.At);
        values[5].Value = admission?.KeyId ?? Postings.Unknown;
        values[6].Value = admission?.Org ?? Postings.Unknown;
        values[7].Value = admission?.Workspace ?? Postings.Unknown;
        values[8].Value = admission?.Model ?? Postings.Unknown;
        values[9].Value = admission?.Pool ?? Postings.Unknown;
        values[10].Value = admission?.Replica ?? Postings.Unknown;
        values[11].Value = (int)(admission?.Dialect ?? default);
        values[12].Value = admission?.Stream == true ? 1 : 0;
        values[13].Value = admission?.PromptTokensEstimate ?? 0;
        values[14].Value = admission?.OutputTokensMax ?? 0;
    }

    private void BindSettlement(SettlementRecord? settlement)
    {
        var values = _entry.Parameters;
        if (settlement is not { } s)
        {
            for (var i = FirstSettlementColumn; i < values.Count; i++)
            {
                values[i].Value = DBNull.Value;
            }

            return;
        }

        var at = FirstSettlementColumn;
        values[at++].Value = MicrosecondsOf(s.At);
        values[at++].Value = (int)s.Outcome;
        values[at++].Value = s.HttpStatus;
        values[at++].Value = s.Usage.Input;
        values[at++].Value = s.Usage.CacheWrite5m;
        values[at++].Value = s.Usage.CacheWrite1h;
        values[at++].Value = s.Usage.CacheRead;
        values[at++].Value = s.Usage.Output;
        values[at++].Value = s.Usage.Thinking;
        values[at++].Value = s.UsageIsEstimated ? 1 : 0;
        values[at++].Value = OrNull(s.Price?.MicroUsd);
        values[at++].Value = OrNull(s.Cost?.MicroUsd);
        values[at++].Value = OrNull(s.FirstByteAfter?.Ticks / TimeSpan.TicksPerMicrosecond);
        values[at++].Value = s.Duration.Ticks / TimeSpan.TicksPerMicrosecond;
        values[at++].Value = s.DecisionId;
        values[at++].Value = s.RequestBytes;
        values[at].Value = s.ResponseBytes;
    }

    private void WritePostings(LedgerChange change, byte[] requestId)
    {
        var line = 0;
        foreach (var posting in Postings.Of(change))
        {
            var values = _posting.Parameters;
            values[0].Value = requestId;
            values[1].Value = change.Key.Attempt;
            values[2].Value = line++;
            values[3].Value = posting.Side;
            values[4].Value = posting.Account;
            values[5].Value = posting.MicroUsd;
            _posting.ExecuteNonQuery();
        }
    }

    private SqliteCommand Prepare(string sql, string[] parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters)
        {
            command.Parameters.Add(new SqliteParameter("@" + name, null));
        }

        return command;
    }

    private static long MicrosecondsOf(DateTimeOffset time) =>
        (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    private static object OrNull(long? value) => value is { } known ? known : DBNull.Value;
}
