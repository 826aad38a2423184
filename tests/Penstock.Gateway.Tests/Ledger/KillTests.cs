using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Core.Metering;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Storage;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>Everything that a killed process had acknowledged is there once.</summary>
public sealed class KillTests
{
    private const int Rounds = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_acknowledged_record_outlives_a_kill_at_any_moment()
    {
        var random = new Random(20261120);
        for (var round = 0; round < Rounds; round++)
        {
            using var directory = new TemporaryDirectory();
            var acknowledged = AppenderProcess.KillAfter(directory.Path, random.Next(1, 20_000), writesLedger: false);

            using var journal = OpenJournal(directory);
            var records = RecordList.Read(journal, out var damaged);

            // A kill in the middle of a copy leaves one torn record at most.
            Assert.InRange(damaged, 0, JournalFormat.FrameBytesMax);
            var numbers = records.All
                .Select(record => record is AdmissionRecord admission
                    ? AppenderProcess.NumberOf(admission.Key)
                    : AppenderProcess.NumberOf(((SettlementRecord)record).Key) | AppenderProcess.SettlementFlag)
                .ToList();
            Assert.Equal(numbers.Distinct().Count(), numbers.Count);
            Assert.Empty(acknowledged.Except(numbers));

            // Each thread may have been killed between an append and its acknowledgement, no more.
            Assert.InRange(numbers.Count - acknowledged.Count, 0, AppenderProcess.Threads);
        }
    }

    [Fact]
    public async Task After_a_kill_and_a_restart_every_admitted_attempt_is_in_the_ledger_once_and_settled()
    {
        var random = new Random(7);
        for (var round = 0; round < Rounds; round++)
        {
            using var directory = new TemporaryDirectory();
            var acknowledged = AppenderProcess.KillAfter(directory.Path, random.Next(1, 20_000), writesLedger: true);

            using var ledger = new SqliteLedger(SqliteDatabase.Open(directory.Path));
            await RecoverAsync(directory, ledger);
            var total = Assert.Single(await ledger.QueryAsync(new() { By = UsageGrouping.None }, Cancellation));
            await RecoverAsync(directory, ledger);

            var after = Assert.Single(await ledger.QueryAsync(new() { By = UsageGrouping.None }, Cancellation));
            Assert.Equal(total, after);
            var admitted = acknowledged.Where(number => (number & AppenderProcess.SettlementFlag) == 0).ToList();
            Assert.InRange(total.Requests - admitted.Count, 0, AppenderProcess.Threads);
            await CheckEachAsync(ledger, acknowledged, admitted);
        }
    }

    private static async Task CheckEachAsync(SqliteLedger ledger, HashSet<int> acknowledged, List<int> admitted)
    {
        // The last ones are where things go wrong; the rest is sampled.
        foreach (var number in admitted.TakeLast(200).Concat(admitted.Where(number => number % 17 == 0)).Distinct())
        {
            var id = LedgerSamples.Key(number).RequestId;
            var entry = Assert.Single(await ledger.ReadEntriesAsync(id, Cancellation));
            Assert.Equal(LedgerSamples.Admission(number), entry.Admission);
            Assert.Equal(0, entry.Postings.Sum(posting => posting.MicroUsd));
            if (acknowledged.Contains(number | AppenderProcess.SettlementFlag))
            {
                Assert.Equal(LedgerSamples.Settlement(number), entry.Settlement);
            }
            else
            {
                Assert.NotNull(entry.Settlement);
            }
        }
    }

    private static async Task RecoverAsync(TemporaryDirectory directory, SqliteLedger ledger)
    {
        using var journal = OpenJournal(directory);
        using var writer = new LedgerWriter(
            journal, ledger, new(), TimeProvider.System, NullLogger<LedgerWriter>.Instance);
        await writer.RecoverAsync(PublishedPrices.Table, Cancellation);
    }

    private static UsageJournal OpenJournal(TemporaryDirectory directory) =>
        UsageJournal.Open(directory.Path, LedgerSamples.SmallJournal, TimeProvider.System);
}
