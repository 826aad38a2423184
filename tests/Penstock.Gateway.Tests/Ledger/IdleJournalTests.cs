using Penstock.Gateway.Ledger;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>Journal and writer do work where there is some; a gateway without requests schedules none.</summary>
public sealed class IdleJournalTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();
    private readonly UsageJournal _journal;

    public IdleJournalTests() =>
        _journal = UsageJournal.Open(_directory.Path, LedgerSamples.SmallJournal, _clock);

    public void Dispose()
    {
        _journal.Dispose();
        _directory.Dispose();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_flush_is_due_after_an_append_and_at_no_other_time()
    {
        Assert.Equal(0, _clock.PendingTimers);
        for (var i = 0; i < 3; i++)
        {
            _journal.Admit(LedgerSamples.Admission(i));
            var end = _journal.Settle(LedgerSamples.Settlement(i)).End;
            Assert.Equal(LedgerSamples.SmallJournal.FlushInterval, _clock.NextDue);
            _clock.Advance(LedgerSamples.SmallJournal.FlushInterval);
            await _journal.FlushedAsync(end, Cancellation);
            Assert.Equal(0, _clock.PendingTimers);
        }
    }

    [Fact]
    public void Who_waits_for_a_record_is_told_when_it_is_there()
    {
        var start = _journal.End();
        var waiting = _journal.AppendedAsync(start);
        Assert.False(waiting.IsCompleted);

        var end = _journal.Admit(LedgerSamples.Admission(1)).End;

        Assert.True(waiting.IsCompletedSuccessfully);
        Assert.True(_journal.AppendedAsync(start).IsCompletedSuccessfully);
        Assert.False(_journal.AppendedAsync(end).IsCompleted);
    }
}
