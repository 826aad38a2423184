using System.Runtime.CompilerServices;
using Penstock.Core.Metering;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Tests.Cluster;

namespace Penstock.Gateway.Tests.Ledger;

public sealed class UsageJournalTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Records_come_back_field_by_field_and_in_order()
    {
        using var journal = Open();
        List<object> written = [];
        for (var i = 0; i < 20; i++)
        {
            Assert.True(journal.Admit(LedgerSamples.Admission(i)).Accepted);
            Assert.True(journal.Settle(LedgerSamples.Settlement(i)).Accepted);
            written.AddRange([LedgerSamples.Admission(i), LedgerSamples.Settlement(i)]);
        }

        Assert.Equal(written, RecordList.Read(journal).All);
    }

    [Fact]
    public void A_cursor_follows_what_is_appended_after_it_was_made()
    {
        using var journal = Open();
        var cursor = new JournalCursor(journal);
        var records = new RecordList();

        Assert.Equal(0, cursor.Read(records, 10));
        journal.Admit(LedgerSamples.Admission(1));
        Assert.Equal(1, cursor.Read(records, 10));
        Assert.Equal(0, cursor.Read(records, 10));
        journal.Settle(LedgerSamples.Settlement(1));
        Assert.Equal(1, cursor.Read(records, 10));
        Assert.Equal([LedgerSamples.Admission(1), LedgerSamples.Settlement(1)], records.All);
    }

    [Fact]
    public void Records_of_an_earlier_process_are_read_before_those_of_this_one()
    {
        using (var first = Open())
        {
            first.Admit(LedgerSamples.Admission(1));
        }

        using var second = Open();
        second.Admit(LedgerSamples.Admission(2));

        Assert.Equal([LedgerSamples.Admission(1), LedgerSamples.Admission(2)], RecordList.Read(second).Admissions);
    }

    [Fact]
    public void Records_run_on_over_many_segments()
    {
        const int Count = 3000;
        using (var journal = Open())
        {
            for (var i = 0; i < Count; i++)
            {
                Assert.True(journal.Admit(LedgerSamples.Admission(i)).Accepted);
            }

            Assert.True(Directory.GetFiles(_directory.Path, "*.journal").Length > 5);
        }

        using var again = Open();
        Assert.Equal(
            Enumerable.Range(0, Count).Select(i => LedgerSamples.Admission(i)), RecordList.Read(again).Admissions);
    }

    [Fact]
    public void A_text_that_is_too_long_is_cut_at_a_whole_character()
    {
        using var journal = Open();
        journal.Admit(LedgerSamples.Admission(1) with { Model = new string('é', 200), Org = "", Pool = "ab\ud800c" });

        var read = Assert.Single(RecordList.Read(journal).Admissions);

        Assert.Equal(new string('é', 127), read.Model);
        Assert.Equal("", read.Org);
        Assert.Equal("ab\ufffdc", read.Pool);
    }

    [Fact]
    public void Counts_that_cannot_be_true_are_bounded_and_marked_as_an_estimate()
    {
        using var journal = Open();
        journal.Settle(LedgerSamples.Settlement(1) with { Usage = new(long.MaxValue, -1, 3, 4, long.MinValue, 6) });

        var read = Assert.Single(RecordList.Read(journal).Settlements);

        Assert.Equal(new TokenUsage(TokenUsage.CategoryMax, 0, 3, 4, 0, 6), read.Usage);
        Assert.True(read.UsageIsEstimated);
    }

    [Fact]
    public void The_longest_texts_fit()
    {
        using var journal = Open();
        var longest = new string('x', RecordCodec.TextBytesMax);
        var record = LedgerSamples.Admission(1) with
        {
            KeyId = longest,
            Org = longest,
            Workspace = longest,
            Model = longest,
            Pool = longest,
            Replica = longest,
        };

        Assert.True(journal.Admit(record).Accepted);
        Assert.True(journal.Settle(LedgerSamples.Settlement(1) with { DecisionId = longest }).Accepted);
        Assert.Equal([record, LedgerSamples.Settlement(1) with { DecisionId = longest }], RecordList.Read(journal).All);
    }

    [Fact]
    public void A_full_journal_refuses_admissions_and_takes_settlements()
    {
        using var journal = Open(LedgerSamples.SmallJournal with { BytesMax = 2 * JournalOptions.SegmentBytesMin });
        var admitted = 0;
        while (journal.Admit(LedgerSamples.Admission(admitted)).Accepted)
        {
            admitted++;
        }

        Assert.Equal(AppendStatus.Full, journal.Admit(LedgerSamples.Admission(0)).Status);
        for (var i = 0; i < admitted; i++)
        {
            Assert.True(journal.Settle(LedgerSamples.Settlement(i)).Accepted);
        }

        Assert.Equal(admitted, RecordList.Read(journal).Settlements.Count);
        Assert.Equal(2, journal.Stats.Refused);
    }

    [Fact]
    public void A_full_journal_takes_admissions_again_once_segments_are_deleted()
    {
        using var journal = Open(LedgerSamples.SmallJournal with { BytesMax = 2 * JournalOptions.SegmentBytesMin });
        while (journal.Admit(LedgerSamples.Admission(0)).Accepted)
        {
        }

        journal.DeleteBefore(journal.End().Segment);

        Assert.True(journal.Admit(LedgerSamples.Admission(0)).Accepted);
    }

    [Fact]
    public async Task A_disk_that_takes_no_further_segment_refuses_and_keeps_what_it_has()
    {
        using var journal = Open();
        await Until.TrueAsync(() => !journal.NeedsSpare);
        Directory.Delete(_directory.Path, recursive: true);
        var admitted = 0;
        while (journal.Admit(LedgerSamples.Admission(admitted)).Accepted)
        {
            admitted++;
        }

        Assert.Equal(AppendStatus.NoSpace, journal.Admit(LedgerSamples.Admission(0)).Status);
        Assert.Equal(admitted, RecordList.Read(journal).Admissions.Count);
        Directory.CreateDirectory(_directory.Path);
    }

    [Fact]
    public void A_closed_journal_takes_nothing()
    {
        var journal = Open();
        journal.Dispose();

        Assert.Equal(AppendStatus.Closed, journal.Admit(LedgerSamples.Admission(1)).Status);
        Assert.Equal(AppendStatus.Closed, journal.Settle(LedgerSamples.Settlement(1)).Status);
    }

    [Fact]
    public void Only_one_process_at_a_time_has_the_journal()
    {
        using (Open())
        {
            Assert.Throws<IOException>(Open);
        }

        Open().Dispose();
    }

    [Fact]
    public void Nothing_is_left_on_disk_once_everything_was_applied()
    {
        var journal = Open();
        var end = journal.Admit(LedgerSamples.Admission(1)).End;
        journal.MarkApplied(end);
        journal.Dispose();

        Assert.Empty(JournalSegment.Files(_directory.Path));
    }

    [Fact]
    public void A_record_that_came_after_everything_was_applied_stays_on_disk()
    {
        var journal = Open();
        journal.MarkApplied(journal.Admit(LedgerSamples.Admission(1)).End);
        journal.Admit(LedgerSamples.Admission(2));
        journal.Dispose();

        using var again = Open();
        Assert.Equal(2, RecordList.Read(again).Admissions.Count);
    }

    [Fact]
    public async Task Waiting_for_the_disk_ends_once_a_flush_covers_the_record()
    {
        var time = new FlushOnDemand();
        using var journal = UsageJournal.Open(_directory.Path, LedgerSamples.SmallJournal, time);
        var end = journal.Admit(LedgerSamples.Admission(1)).End;
        var flushed = journal.FlushedAsync(end, TestContext.Current.CancellationToken).AsTask();

        time.Fire();
        await flushed;

        Assert.True(journal.FlushedAsync(end, TestContext.Current.CancellationToken).AsTask().IsCompletedSuccessfully);
        Assert.True(journal.Stats.Flushes > 0);
    }

    [Fact]
    public async Task Closing_flushes_what_is_waited_for()
    {
        var journal = Open();
        var end = journal.Admit(LedgerSamples.Admission(1)).End;
        var flushed = journal.FlushedAsync(end, TestContext.Current.CancellationToken).AsTask();

        journal.Dispose();

        await flushed;
    }

    [Fact]
    public void Many_threads_append_without_losing_or_mixing_records()
    {
        const int Threads = 4;
        const int Each = 1500;
        using var journal = Open();

        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, thread =>
        {
            for (var i = 0; i < Each; i++)
            {
                journal.Admit(LedgerSamples.Admission((thread * Each) + i));
                journal.Settle(LedgerSamples.Settlement((thread * Each) + i));
            }
        });

        var records = RecordList.Read(journal);
        var numbers = Enumerable.Range(0, Threads * Each).ToArray();
        Assert.Equal(
            numbers.Select(i => LedgerSamples.Admission(i)), records.Admissions.OrderBy(x => x.PromptTokensEstimate));
        Assert.Equal(numbers.Select(i => LedgerSamples.Settlement(i)), records.Settlements.OrderBy(x => x.Usage.Input));
    }

    [Fact]
    public void An_append_allocates_nothing()
    {
        using var journal = Open(LedgerSamples.SmallJournal with { SegmentBytes = 16 * 1024 * 1024 });
        var admission = LedgerSamples.Admission(1);
        var settlement = LedgerSamples.Settlement(1);

        _ = AllocatedBy(journal, admission, settlement, 200);

        Assert.Equal(0, AllocatedBy(journal, admission, settlement, 1000));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long AllocatedBy(
        UsageJournal journal, in AdmissionRecord admission, in SettlementRecord settlement, int times)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < times; i++)
        {
            journal.Admit(admission);
            journal.Settle(settlement);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private UsageJournal Open() => Open(LedgerSamples.SmallJournal);

    private UsageJournal Open(JournalOptions options) =>
        UsageJournal.Open(_directory.Path, options, TimeProvider.System);
}
