using Microsoft.Extensions.Logging;
using Penstock.Core.Metering;
using Penstock.Gateway.Storage;

namespace Penstock.Gateway.Ledger;

/// <summary>Journal, writer and storage of one gateway, opened and closed together.</summary>
internal sealed class LedgerRoom : IAsyncDisposable
{
    private readonly LedgerWriter _writer;

    private LedgerRoom(UsageJournal journal, ILedgerStorage storage, LedgerWriter writer, long recovered)
    {
        Journal = journal;
        Storage = storage;
        _writer = writer;
        Recovered = recovered;
    }

    public UsageJournal Journal { get; }

    public ILedgerStorage Storage { get; }

    /// <summary>Attempts of earlier processes that had to be settled with an estimate.</summary>
    public long Recovered { get; }

    /// <summary>Records of the journal that storage has not taken yet.</summary>
    public long Lag
    {
        get
        {
            // In this order: what is applied in between must not make it negative.
            var applied = _writer.RecordsApplied;
            var stats = Journal.Stats;
            return stats.Admissions + stats.Settlements - applied;
        }
    }

    /// <summary>Opens the folder, settles what earlier processes left, and starts the writer.</summary>
    public static async Task<LedgerRoom> OpenAsync(
        string data, JournalOptions options, PriceTable prices, TimeProvider time, ILoggerFactory logs,
        CancellationToken stop)
    {
        var journal = UsageJournal.Open(Path.Combine(data, "journal"), options, time);
        try
        {
            var storage = new SqliteLedger(SqliteDatabase.Open(data));
            var writer = new LedgerWriter(
                journal, storage, new LedgerWriterOptions(), time, logs.CreateLogger<LedgerWriter>());
            var recovered = await writer.RecoverAsync(prices, stop);
            await writer.StartAsync(stop);
            return new LedgerRoom(journal, storage, writer, recovered.Unsettled);
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.StopAsync(CancellationToken.None);
        _writer.Dispose();
        Journal.Dispose();
        (Storage as IDisposable)?.Dispose();
    }
}
