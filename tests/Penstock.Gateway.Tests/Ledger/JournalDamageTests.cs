using FsCheck;
using FsCheck.Fluent;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>What a power failure can do to a segment, and what must be left of it.</summary>
public sealed class JournalDamageTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Cut_at_any_byte_everything_before_the_cut_is_kept()
    {
        var (bytes, ends) = Write([true, false, true, true, false]);
        for (var length = 0; length <= ends[^1]; length++)
        {
            var kept = ReadBack(bytes[..length]).All;

            // A record whose padding alone is cut off is still whole.
            var whole = ends.Count(end => end <= length);
            Assert.InRange(kept.Count, whole, ends.Count(end => end - 7 <= length));
            Assert.Equal(Expected([true, false, true, true, false]).Take(kept.Count), kept);
        }
    }

    [Fact]
    public void Damaged_at_any_byte_all_other_records_are_kept()
    {
        bool[] kinds = [true, false, true, true, false];
        var (bytes, ends) = Write(kinds);
        for (var at = JournalFormat.HeaderBytes; at < ends[^1]; at++)
        {
            var damaged = bytes.ToArray();
            damaged[at] ^= 0x5A;

            var kept = ReadBack(damaged).All;

            // The damaged record may survive only where the byte was its padding.
            var hit = ends.TakeWhile(end => end <= at).Count();
            var others = Expected(kinds).Where((_, i) => i != hit).ToList();
            Assert.True(
                kept.SequenceEqual(others) || (kept.SequenceEqual(Expected(kinds)) && bytes[at] == 0),
                $"byte {at}: {kept.Count} records");
        }
    }

    [Fact]
    public void A_page_that_never_reached_the_disk_costs_only_its_own_records()
    {
        var kinds = Enumerable.Repeat(true, 200).ToArray();
        var (bytes, ends) = Write(kinds);
        const int Page = 4096;
        Array.Clear(bytes, 2 * Page, Page);

        var records = ReadBack(bytes, out var damaged);

        var starts = ends.Prepend(JournalFormat.HeaderBytes).ToArray();
        var untouched = Expected(kinds).Where((_, i) => ends[i] <= 2 * Page || starts[i] >= 3 * Page).ToList();
        Assert.Equal(untouched, records.All);
        Assert.InRange(damaged, Page, Page + (2 * JournalFormat.FrameBytesMax));
    }

    [Fact]
    public void A_damaged_header_does_not_hide_the_records_while_another_segment_knows_the_journal()
    {
        using (var journal = Open())
        {
            while (journal.End().Segment < 3)
            {
                journal.Admit(LedgerSamples.Admission(1));
            }
        }

        var expected = CountOnce();
        var first = JournalSegment.Files(_directory.Path)[0];
        var bytes = File.ReadAllBytes(first);
        bytes.AsSpan(0, 40).Fill(0xFF);
        File.WriteAllBytes(first, bytes);

        Assert.Equal(expected, CountOnce());
    }

    [Fact]
    public void Bytes_of_another_place_or_journal_are_not_records()
    {
        var (bytes, ends) = Write([true, true]);
        var moved = new byte[bytes.Length];
        bytes.AsSpan(0, JournalFormat.HeaderBytes).CopyTo(moved);
        bytes.AsSpan(JournalFormat.HeaderBytes, ends[0] - JournalFormat.HeaderBytes)
            .CopyTo(moved.AsSpan(JournalFormat.HeaderBytes + 8));
        Assert.Empty(ReadBack(moved).All);

        var foreign = bytes.ToArray();
        JournalFormat.WriteHeader(foreign, new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]), 1);
        Assert.Empty(ReadBack(foreign).All);
    }

    [Fact]
    public void Whatever_happens_to_the_tail_the_records_before_it_are_kept_once_and_none_are_invented()
    {
        var cases = (
            from kinds in Gen.Elements(true, false).NonEmptyListOf()
            from cut in Gen.Choose(0, int.MaxValue - 1)
            from noise in Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf(64)
            from truncate in Gen.Elements(true, false)
            select (Kinds: kinds.ToArray(), cut, noise, truncate)).ToArbitrary();

        Prop.ForAll(cases, x =>
        {
            var (bytes, ends) = Write(x.Kinds);
            var at = JournalFormat.HeaderBytes + (x.cut % (ends[^1] - JournalFormat.HeaderBytes));
            var damaged = x.truncate ? bytes[..at] : bytes;
            if (!x.truncate)
            {
                x.noise.CopyTo(damaged.AsSpan(at));
            }

            var kept = ReadBack(damaged).All;
            var whole = ends.Count(end => end <= at);
            var expected = Expected(x.Kinds);
            return kept.Take(whole).SequenceEqual(expected.Take(whole))
                && kept.Distinct().Count() == kept.Count
                && kept.All(expected.Contains);
        }).QuickCheckThrowOnFailure();
    }

    private static List<object> Expected(IEnumerable<bool> kinds) =>
        [.. kinds.Select(object (isAdmission, i) =>
            isAdmission ? LedgerSamples.Admission(i) : LedgerSamples.Settlement(i))];

    /// <summary>The bytes of a segment with these records, and where each record ends.</summary>
    private static (byte[] Bytes, int[] Ends) Write(bool[] kinds)
    {
        using var directory = new TemporaryDirectory();
        var ends = new int[kinds.Length];
        using (var journal = UsageJournal.Open(directory.Path, LedgerSamples.SmallJournal, TimeProvider.System))
        {
            for (var i = 0; i < kinds.Length; i++)
            {
                var appended = kinds[i]
                    ? journal.Admit(LedgerSamples.Admission(i))
                    : journal.Settle(LedgerSamples.Settlement(i));
                ends[i] = appended.End.Offset;
            }
        }

        return (File.ReadAllBytes(JournalSegment.Files(directory.Path)[0]), ends);
    }

    private static RecordList ReadBack(byte[] segment) => ReadBack(segment, out _);

    private static RecordList ReadBack(byte[] segment, out long bytesDamaged)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(Path.Combine(directory.Path, "0000000000000001.journal"), segment);
        using var journal = UsageJournal.Open(directory.Path, LedgerSamples.SmallJournal, TimeProvider.System);
        return RecordList.Read(journal, out bytesDamaged);
    }

    private int CountOnce()
    {
        using var journal = Open();
        return RecordList.Read(journal).Admissions.Count;
    }

    private UsageJournal Open() =>
        UsageJournal.Open(_directory.Path, LedgerSamples.SmallJournal, TimeProvider.System);
}
