using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Metering;
using Penstock.Core.Primitives;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Tests.Ledger;

public sealed class LedgerWriterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly MemoryLedger _ledger = new();

    public void Dispose() => _directory.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_settled_attempt_reaches_the_ledger_with_both_its_halves()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal);
        journal.Admit(LedgerSamples.Admission(1));
        journal.Settle(LedgerSamples.Settlement(1));

        await writer.ApplyAvailableAsync(Cancellation);

        Assert.Equal(new LedgerChange(LedgerSamples.Admission(1), LedgerSamples.Settlement(1)), Entry(1));
    }

    [Fact]
    public async Task Each_attempt_of_a_request_is_an_entry_of_its_own()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal);
        journal.Admit(LedgerSamples.Admission(1, attempt: 1));
        journal.Settle(LedgerSamples.Settlement(1, attempt: 1));
        journal.Admit(LedgerSamples.Admission(1, attempt: 2));
        journal.Settle(LedgerSamples.Settlement(1, attempt: 2));

        await writer.ApplyAvailableAsync(Cancellation);

        Assert.Equal("replica-1", Entry(1, 1).Admission?.Replica);
        Assert.Equal("replica-2", Entry(1, 2).Admission?.Replica);
    }

    [Fact]
    public async Task An_attempt_that_runs_on_is_not_written_until_it_is_settled()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal);
        journal.Admit(LedgerSamples.Admission(1));

        await writer.ApplyAvailableAsync(Cancellation);
        Assert.Empty(_ledger.Entries);

        journal.Settle(LedgerSamples.Settlement(1));
        await writer.ApplyAvailableAsync(Cancellation);
        Assert.Equal(LedgerSamples.Settlement(1), Entry(1).Settlement);
    }

    [Fact]
    public async Task An_attempt_that_outlives_its_segment_is_carried_by_the_ledger()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal);
        journal.Admit(LedgerSamples.Admission(0));
        FillSegment(journal);

        await writer.ApplyAvailableAsync(Cancellation);

        Assert.Single(JournalSegment.Files(_directory.Path));
        Assert.Equal(new LedgerChange(LedgerSamples.Admission(0), null), Entry(0));
        journal.Settle(LedgerSamples.Settlement(0));
        await writer.ApplyAvailableAsync(Cancellation);
        Assert.Equal(LedgerSamples.Settlement(0), Entry(0).Settlement);
    }

    [Fact]
    public async Task What_a_killed_process_settled_is_applied_and_what_it_left_open_gets_an_estimate()
    {
        using (var killed = OpenJournal())
        {
            killed.Admit(LedgerSamples.Admission(2));
            killed.Admit(LedgerSamples.Admission(4));
            killed.Settle(LedgerSamples.Settlement(4));
        }

        using var journal = OpenJournal();
        using var writer = Writer(journal);
        var report = await writer.RecoverAsync(PublishedPrices.Table, Cancellation);

        Assert.Equal(new RecoveryReport(Records: 3, Unsettled: 1, BytesDamaged: 0), report);
        Assert.Equal(LedgerSamples.Settlement(4), Entry(4).Settlement);
        var estimate = Entry(2).Settlement!.Value;
        Assert.Equal(AttemptOutcome.ProcessDied, estimate.Outcome);
        Assert.True(estimate.UsageIsEstimated);
        Assert.Equal(new TokenUsage(1002, 0, 0, 0, 0), estimate.Usage);
        Assert.Equal(new Money(1002), estimate.Price);
        Assert.Single(JournalSegment.Files(_directory.Path));
    }

    [Fact]
    public async Task What_the_ledger_carried_for_a_killed_process_gets_an_estimate_too()
    {
        using (var killed = OpenJournal())
        using (var first = Writer(killed))
        {
            killed.Admit(LedgerSamples.Admission(0));
            FillSegment(killed);
            await first.ApplyAvailableAsync(Cancellation);
        }

        using var journal = OpenJournal();
        using var writer = Writer(journal);
        await writer.RecoverAsync(PublishedPrices.Table, Cancellation);

        Assert.Equal(AttemptOutcome.ProcessDied, Entry(0).Settlement?.Outcome);
        Assert.All(_ledger.Entries.Values, entry => Assert.NotNull(entry.Change.Settlement));
    }

    [Fact]
    public async Task Recovering_twice_changes_nothing()
    {
        using (var killed = OpenJournal())
        {
            killed.Admit(LedgerSamples.Admission(2));
            killed.Admit(LedgerSamples.Admission(4));
            killed.Settle(LedgerSamples.Settlement(4));
        }

        var saved = File.ReadAllBytes(JournalSegment.Files(_directory.Path)[0]);
        using (var journal = OpenJournal())
        using (var writer = Writer(journal))
        {
            await writer.RecoverAsync(PublishedPrices.Table, Cancellation);
        }

        var after = _ledger.Entries.ToDictionary();
        File.WriteAllBytes(Path.Combine(_directory.Path, "0000000000000001.journal"), saved);
        using var again = OpenJournal();
        using var second = Writer(again);
        await second.RecoverAsync(PublishedPrices.Table, Cancellation);

        Assert.Equal(after, _ledger.Entries);
    }

    [Fact]
    public async Task A_recovery_that_storage_interrupts_is_finished_by_the_next_try()
    {
        using (var killed = OpenJournal())
        {
            killed.Admit(LedgerSamples.Admission(2));
            killed.Admit(LedgerSamples.Admission(4));
            killed.Settle(LedgerSamples.Settlement(4));
        }

        using var journal = OpenJournal();
        using var writer = Writer(journal);
        _ledger.Fails = true;
        await Assert.ThrowsAsync<SqliteException>(() => writer.RecoverAsync(PublishedPrices.Table, Cancellation));
        Assert.Equal(2, JournalSegment.Files(_directory.Path).Length);

        _ledger.Fails = false;
        await writer.RecoverAsync(PublishedPrices.Table, Cancellation);

        Assert.Equal(LedgerSamples.Settlement(4), Entry(4).Settlement);
        Assert.Equal(AttemptOutcome.ProcessDied, Entry(2).Settlement?.Outcome);
    }

    [Fact]
    public async Task Records_stay_in_the_journal_while_storage_fails()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal);
        journal.Admit(LedgerSamples.Admission(1));
        journal.Settle(LedgerSamples.Settlement(1));
        FillSegment(journal);
        _ledger.Fails = true;

        await Assert.ThrowsAsync<SqliteException>(() => writer.ApplyAvailableAsync(Cancellation));
        await Assert.ThrowsAsync<SqliteException>(() => writer.ApplyAvailableAsync(Cancellation));
        Assert.Equal(2, JournalSegment.Files(_directory.Path).Length);

        _ledger.Fails = false;
        await writer.ApplyAvailableAsync(Cancellation);
        Assert.Equal(LedgerSamples.Settlement(1), Entry(1).Settlement);
        Assert.Single(JournalSegment.Files(_directory.Path));
    }

    [Fact]
    public async Task A_segment_that_takes_many_batches_is_kept_until_the_last_of_them()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal, new LedgerWriterOptions { BatchRecordsMax = 7 });
        FillSegment(journal);
        FillSegment(journal);
        var appended = journal.Stats.Settlements;

        await writer.ApplyAvailableAsync(Cancellation);

        Assert.Equal(appended, _ledger.Entries.Count);
        Assert.All(_ledger.Entries.Values, entry => Assert.NotNull(entry.Change.Admission));
        Assert.True(_ledger.Batches > 10);
    }

    [Fact]
    public async Task A_settlement_whose_admission_was_lost_is_still_counted()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal);
        journal.Settle(LedgerSamples.Settlement(1));

        await writer.ApplyAvailableAsync(Cancellation);

        Assert.Equal(new LedgerChange(null, LedgerSamples.Settlement(1)), Entry(1));
    }

    [Fact]
    public async Task A_second_settlement_of_an_attempt_changes_nothing()
    {
        using var journal = OpenJournal();
        using var writer = Writer(journal);
        journal.Admit(LedgerSamples.Admission(1));
        journal.Settle(LedgerSamples.Settlement(1));
        journal.Settle(LedgerSamples.Settlement(1) with { Outcome = AttemptOutcome.Aborted });

        await writer.ApplyAvailableAsync(Cancellation);

        Assert.Equal(LedgerSamples.Settlement(1), Entry(1).Settlement);
    }

    [Fact]
    public async Task Stopping_applies_the_last_records_and_leaves_no_segment_behind()
    {
        var journal = OpenJournal();
        using (var writer = Writer(journal))
        {
            await writer.StartAsync(Cancellation);
            journal.Admit(LedgerSamples.Admission(1));
            journal.Settle(LedgerSamples.Settlement(1));
            await writer.StopAsync(Cancellation);
        }

        journal.Dispose();

        Assert.Equal(LedgerSamples.Settlement(1), Entry(1).Settlement);
        Assert.Empty(JournalSegment.Files(_directory.Path));
    }

    [Fact]
    public async Task Stopping_while_an_attempt_is_open_keeps_it_in_the_journal()
    {
        var journal = OpenJournal();
        using (var writer = Writer(journal))
        {
            await writer.StartAsync(Cancellation);
            journal.Admit(LedgerSamples.Admission(2));
            await writer.StopAsync(Cancellation);
        }

        journal.Settle(LedgerSamples.Settlement(2));
        journal.Dispose();

        using var next = OpenJournal();
        using var second = Writer(next);
        await second.RecoverAsync(PublishedPrices.Table, Cancellation);
        Assert.Equal(LedgerSamples.Settlement(2), Entry(2).Settlement);
    }

    private static void FillSegment(UsageJournal journal)
    {
        var segment = journal.End().Segment;
        for (var i = (int)segment * 1000; journal.End().Segment == segment; i++)
        {
            journal.Admit(LedgerSamples.Admission(i));
            journal.Settle(LedgerSamples.Settlement(i));
        }
    }

    private LedgerChange Entry(int number, int attempt = 1) =>
        _ledger.Entries[LedgerSamples.Key(number, attempt)].Change;

    private UsageJournal OpenJournal() =>
        UsageJournal.Open(_directory.Path, LedgerSamples.SmallJournal, TimeProvider.System);

    private LedgerWriter Writer(UsageJournal journal, LedgerWriterOptions? options = null) => new(
        journal, _ledger, options ?? new(), TimeProvider.System, NullLogger<LedgerWriter>.Instance);
}
