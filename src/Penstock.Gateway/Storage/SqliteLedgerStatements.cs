using Dapper;
using Microsoft.Data.Sqlite;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Storage;

/// <summary>
/// The statements that write the ledger, on one connection of their own. After an exception it is of no more use:
/// dispose of it, which rolls back.
/// </summary>
internal sealed class SqliteLedgerStatements : IDisposable
{
    private const int AdmissionColumns = 15;
    private const int AllColumns = 32;

    /// <summary>An open entry is settled by whatever comes first; a settled one never changes.</summary>
    private const string UpsertEntry =
        """
        INSERT INTO entries (
            request_id, attempt, journal, settled, admitted_at, key_id, org, workspace, model, pool, replica, dialect,
            stream, prompt_tokens_estimate, output_tokens_max,
            settled_at, outcome, http_status, input_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
            cache_read_tokens, output_tokens, thinking_tokens, usage_estimated, price_micro_usd, cost_micro_usd,
            first_byte_us, duration_us, decision_id, request_bytes, response_bytes)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (request_id, attempt) DO UPDATE SET
            settled = 1, settled_at = excluded.settled_at, outcome = excluded.outcome,
            http_status = excluded.http_status, input_tokens = excluded.input_tokens,
            cache_write_5m_tokens = excluded.cache_write_5m_tokens,
            cache_write_1h_tokens = excluded.cache_write_1h_tokens, cache_read_tokens = excluded.cache_read_tokens,
            output_tokens = excluded.output_tokens, thinking_tokens = excluded.thinking_tokens,
            usage_estimated = excluded.usage_estimated, price_micro_usd = excluded.price_micro_usd,
            cost_micro_usd = excluded.cost_micro_usd, first_byte_us = excluded.first_byte_us,
            duration_us = excluded.duration_us, decision_id = excluded.decision_id,
            request_bytes = excluded.request_bytes, response_bytes = excluded.response_bytes
        WHERE settled = 0 AND excluded.settled = 1
        """;

    private const string InsertPosting =
        "INSERT INTO postings (request_id, attempt, line, side, account, micro_usd) VALUES (?, ?, ?, ?, ?, ?)";

    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _entry;
    private readonly SqliteStatement _posting;

    public SqliteLedgerStatements(SqliteConnection connection)
    {
        _connection = connection;
        _entry = new SqliteStatement(connection, UpsertEntry);
        _posting = new SqliteStatement(connection, InsertPosting);
    }

    /// <summary>All changes in one transaction.</summary>
    public void Apply(Guid journal, IReadOnlyList<LedgerChange> changes)
    {
        _connection.Execute("BEGIN IMMEDIATE");
        foreach (var change in changes)
        {
            BindEntry(change, journal);
            BindSettlement(change.Settlement);
            if (_entry.Run() > 0)
            {
                WritePostings(change);
            }
        }

        _connection.Execute("COMMIT");
    }

    public void Dispose()
    {
        _entry.Dispose();
        _posting.Dispose();
        _connection.Dispose();
    }

    private void BindEntry(LedgerChange change, Guid journal)
    {
        var admission = change.Admission;
        _entry.Bind(1, change.Key.RequestId);
        _entry.Bind(2, change.Key.Attempt);
        _entry.Bind(3, journal);
        _entry.Bind(4, change.Settlement is not null);
        _entry.Bind(5, MicrosecondsOf(admission?.At ?? change.Settlement!.Value.At));
        _entry.Bind(6, admission?.KeyId ?? Postings.Unknown);
        _entry.Bind(7, admission?.Org ?? Postings.Unknown);
        _entry.Bind(8, admission?.Workspace ?? Postings.Unknown);
        _entry.Bind(9, admission?.Model ?? Postings.Unknown);
        _entry.Bind(10, admission?.Pool ?? Postings.Unknown);
        _entry.Bind(11, admission?.Replica ?? Postings.Unknown);
        _entry.Bind(12, (long)(admission?.Dialect ?? default));
        _entry.Bind(13, admission?.Stream == true);
        _entry.Bind(14, admission?.PromptTokensEstimate ?? 0);
        _entry.Bind(AdmissionColumns, admission?.OutputTokensMax ?? 0);
    }

    private void BindSettlement(SettlementRecord? settlement)
    {
        if (settlement is not { } s)
        {
            for (var i = AdmissionColumns + 1; i <= AllColumns; i++)
            {
                _entry.Bind(i, (long?)null);
            }

            return;
        }

        _entry.Bind(16, MicrosecondsOf(s.At));
        _entry.Bind(17, (long)s.Outcome);
        _entry.Bind(18, s.HttpStatus);
        _entry.Bind(19, s.Usage.Input);
        _entry.Bind(20, s.Usage.CacheWrite5m);
        _entry.Bind(21, s.Usage.CacheWrite1h);
        _entry.Bind(22, s.Usage.CacheRead);
        _entry.Bind(23, s.Usage.Output);
        _entry.Bind(24, s.Usage.Thinking);
        _entry.Bind(25, s.UsageIsEstimated);
        _entry.Bind(26, s.Price?.MicroUsd);
        _entry.Bind(27, s.Cost?.MicroUsd);
        _entry.Bind(28, s.FirstByteAfter?.Ticks / TimeSpan.TicksPerMicrosecond);
        _entry.Bind(29, s.Duration.Ticks / TimeSpan.TicksPerMicrosecond);
        _entry.Bind(30, s.DecisionId);
        _entry.Bind(31, s.RequestBytes);
        _entry.Bind(AllColumns, s.ResponseBytes);
    }

    private void WritePostings(LedgerChange change)
    {
        var line = 0;
        foreach (var posting in Postings.Of(change))
        {
            _posting.Bind(1, change.Key.RequestId);
            _posting.Bind(2, change.Key.Attempt);
            _posting.Bind(3, line++);
            _posting.Bind(4, posting.Side);
            _posting.Bind(5, posting.Account);
            _posting.Bind(6, posting.MicroUsd);
            _posting.Run();
        }
    }

    private static long MicrosecondsOf(DateTimeOffset time) =>
        (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;
}
