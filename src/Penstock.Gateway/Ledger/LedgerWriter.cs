using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Penstock.Core.Metering;

namespace Penstock.Gateway.Ledger;

/// <summary>Times and sizes of a <see cref="LedgerWriter"/>.</summary>
internal sealed record LedgerWriterOptions
{
    /// <summary>How long a settled request may take to show in reports while storage keeps up.</summary>
    public TimeSpan ApplyInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Journal records of one transaction at most.</summary>
    public int BatchRecordsMax { get; init; } = 4000;

    /// <summary>The longest pause between tries while storage fails.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>What a recovery found.</summary>
/// <param name="Records">Records of earlier processes that were read again.</param>
/// <param name="Unsettled">Attempts that had no settlement and got an estimate.</param>
/// <param name="BytesDamaged">Bytes of the journal that were not readable.</param>
internal sealed record RecoveryReport(long Records, long Unsettled, long BytesDamaged);

/// <summary>
/// Moves records from the journal into storage: wait for some, let more gather, read, write one transaction, delete the
/// segments that are done with. Storage that is slow or gone delays this loop and nothing else.
/// </summary>
internal sealed partial class LedgerWriter : BackgroundService
{
    private readonly UsageJournal _journal;
    private readonly ILedgerStorage _storage;
    private readonly LedgerWriterOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<LedgerWriter> _logger;
    private readonly JournalCursor _cursor;
    private readonly OpenAttempts _attempts = new();
    private IReadOnlyList<LedgerChange> _pending = [];
    private long _applied;
    private long _recordsApplied;
    private long _recordsRead;

    public LedgerWriter(
        UsageJournal journal,
        ILedgerStorage storage,
        LedgerWriterOptions options,
        TimeProvider time,
        ILogger<LedgerWriter> logger)
    {
        _journal = journal;
        _storage = storage;
        _options = options;
        _time = time;
        _logger = logger;
        _cursor = new JournalCursor(journal);
    }

    /// <summary>Records of this process that storage has taken.</summary>
    public long RecordsApplied => Volatile.Read(ref _recordsApplied);

    /// <summary>Changes that storage has taken since the start.</summary>
    public long Applied => Volatile.Read(ref _applied);

    /// <summary>
    /// Brings the ledger up to date with what earlier processes left: applies their records and settles with an
    /// estimate what they did not. Call it once, before the first admission and before the loop runs.
    /// </summary>
    /// <exception cref="DbException">Storage failed; calling again is safe.</exception>
    public async Task<RecoveryReport> RecoverAsync(PriceTable prices, CancellationToken cancellation)
    {
        var own = _journal.FirstOwnSegment;
        var records = 0L;
        int read;
        while ((read = _cursor.Read(_attempts, _options.BatchRecordsMax, own)) > 0)
        {
            records += read;
            await ApplyChangesAsync(cancellation);
        }

        var unsettled = (long)_attempts.Count;
        _attempts.SettleAll(admission => Unsettled(admission, prices));
        await ApplyChangesAsync(cancellation);
        IReadOnlyList<AdmissionRecord> open;
        while ((open = await _storage.ReadOpenAsync(_journal.Id, _options.BatchRecordsMax, cancellation)).Count > 0)
        {
            unsettled += open.Count;
            _pending = [.. open.Select(admission => new LedgerChange(admission, Unsettled(admission, prices)))];
            await ApplyChangesAsync(cancellation);
        }

        _journal.DeleteBefore(own);
        var report = new RecoveryReport(records, unsettled, _cursor.BytesDamaged);
        if (report != new RecoveryReport(0, 0, 0))
        {
            LogRecovered(report.Records, report.Unsettled, report.BytesDamaged);
        }

        return report;
    }

    /// <summary>Applies everything that is in the journal now. Not to be called while the loop runs.</summary>
    /// <exception cref="DbException">Storage failed; calling again is safe.</exception>
    public async Task ApplyAvailableAsync(CancellationToken cancellation)
    {
        int read;
        do
        {
            await ApplyChangesAsync(cancellation);
            Volatile.Write(ref _recordsApplied, _recordsRead);
            _journal.DeleteBefore(_cursor.Position.Segment);
            read = _cursor.Read(_attempts, _options.BatchRecordsMax);
            _recordsRead += read;
        }
        while (read > 0);
    }

    /// <summary>Ends the loop, then applies what came in last.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (ExecuteTask is { IsCompleted: false })
        {
            // The host's patience ran out while storage was busy: the next start applies the rest.
            return;
        }

        try
        {
            await ApplyAvailableAsync(cancellationToken);
            if (_attempts.Count == 0)
            {
                _journal.MarkApplied(_cursor.Position);
            }
        }
        catch (Exception failure) when (IsStorageFailure(failure) || failure is OperationCanceledException)
        {
            LogLeftInJournal(failure);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (failures > 0)
                {
                    await Task.Delay(DelayAfter(failures), _time, stoppingToken);
                }

                await ApplyAvailableAsync(stoppingToken);
                failures = 0;
                await _journal.AppendedAsync(_cursor.Position).WaitAsync(stoppingToken);
                await Task.Delay(_options.ApplyInterval, _time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure) when (IsStorageFailure(failure))
            {
                failures++;
                LogStorageFailed(failure, failures);
            }
        }
    }

    /// <summary>
    /// What a killed process leaves open is billed for the prompt, which the engine has very likely read, and for no
    /// answer, since nobody knows how much of one there was.
    /// </summary>
    private SettlementRecord Unsettled(AdmissionRecord admission, PriceTable prices)
    {
        var estimate = CostEstimate.Of(prices, admission.Model, admission.At, admission.PromptTokensEstimate, 0);
        return new SettlementRecord
        {
            Key = admission.Key,
            At = _time.GetUtcNow(),
            Outcome = AttemptOutcome.ProcessDied,
            HttpStatus = 0,
            Usage = estimate.Usage,
            UsageIsEstimated = true,
            Price = estimate.Price,
            Duration = TimeSpan.Zero,
            DecisionId = "",
            RequestBytes = 0,
            ResponseBytes = 0,
        };
    }

    /// <summary>Changes stay pending until storage has taken them.</summary>
    private async Task ApplyChangesAsync(CancellationToken cancellation)
    {
        _attempts.CarryBefore(_cursor.Position.Segment);
        if (_attempts.ChangeCount > 0)
        {
            _pending = [.. _pending, .. _attempts.TakeChanges()];
        }

        if (_pending.Count > 0)
        {
            await _storage.ApplyAsync(_journal.Id, _pending, cancellation);
            Interlocked.Add(ref _applied, _pending.Count);
            _pending = [];
        }
    }

    private TimeSpan DelayAfter(int failures)
    {
        var delay = _options.ApplyInterval * Math.Pow(2, Math.Min(failures, 16));
        return delay < _options.RetryDelayMax ? delay : _options.RetryDelayMax;
    }

    private static bool IsStorageFailure(Exception failure) =>
        failure is DbException or IOException or TimeoutException;

    [LoggerMessage(Level = LogLevel.Information, Message =
        "ledger recovered: {Records} records read again, {Unsettled} unsettled, {BytesDamaged} bytes damaged")]
    private partial void LogRecovered(long records, long unsettled, long bytesDamaged);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "storage did not take the usage, try {Failures}; it stays in the journal")]
    private partial void LogStorageFailed(Exception failure, int failures);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "storage did not take the last usage; the next start applies it from the journal")]
    private partial void LogLeftInJournal(Exception failure);
}
