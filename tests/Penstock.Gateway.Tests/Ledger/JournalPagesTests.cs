using Penstock.Gateway.Ledger;
using Penstock.Gateway.Tests.Cluster;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>Pages that the disk was asked to take are not written to again: who does waits for the disk.</summary>
public sealed class JournalPagesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FlushOnDemand _disk = new();
    private readonly List<object> _written = [];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_is_appended_after_a_flush_begins_another_page()
    {
        using (var journal = await OpenAsync())
        {
            for (var i = 0; i < 30; i++)
            {
                for (var k = 0; k <= i % 4; k++)
                {
                    Append(journal, "key");
                }

                Assert.NotEqual(0, journal.End().Offset % MappedPages.Size);
                await FlushAsync(journal);
                Assert.Equal(0, journal.End().Offset % MappedPages.Size);
            }

            Append(journal, "key");
            AssertAllIsThere(journal);
        }

        using var again = await OpenAsync();
        AssertAllIsThere(again);
    }

    /// <summary>A frame that fills the page does not fit, so that it takes the next page too.</summary>
    [Fact]
    public async Task A_page_with_less_left_than_a_frame_takes_is_filled_with_the_next()
    {
        using var journal = await OpenAsync();
        var before = journal.End().Offset;
        Append(journal, "k");
        var least = journal.End().Offset - before;
        while (Left() != 8)
        {
            var more = Left() - 8 - least;
            Append(journal, new string('k', more is > 0 and < 200 ? 1 + more : 1));
        }

        var end = journal.End().Offset;
        await FlushAsync(journal);
        Assert.Equal(end + 8 + MappedPages.Size, journal.End().Offset);
        Append(journal, "k");
        AssertAllIsThere(journal);

        int Left() => MappedPages.Size - (journal.End().Offset % MappedPages.Size);
    }

    [Fact]
    public async Task A_journal_to_which_nothing_is_appended_does_not_grow()
    {
        using var journal = await OpenAsync();
        Append(journal, "key");
        await FlushAsync(journal);
        var end = journal.End();
        journal.EndToFlush();
        Assert.Equal(end, journal.End());
        Assert.False(journal.AppendedAsync(end).IsCompleted);
    }

    private async Task<UsageJournal> OpenAsync()
    {
        var journal = UsageJournal.Open(
            _directory.Path, LedgerSamples.SmallJournal with { SegmentBytes = 1024 * 1024 }, _disk);
        await Until.TrueAsync(() => journal.Stats.Flushes > 0);
        return journal;
    }

    private void Append(UsageJournal journal, string key)
    {
        var record = LedgerSamples.Admission(_written.Count) with { KeyId = key };
        Assert.True(journal.Admit(record).Accepted);
        _written.Add(record);
    }

    private async Task FlushAsync(UsageJournal journal)
    {
        var end = journal.End();
        _disk.Fire();
        await journal.FlushedAsync(end, TestContext.Current.CancellationToken);
    }

    private void AssertAllIsThere(UsageJournal journal)
    {
        Assert.Equal(_written, RecordList.Read(journal, out var damaged).All);
        Assert.Equal(0, damaged);
    }
}
