using FsCheck;
using FsCheck.Fluent;
using Penstock.Core.Metering;
using Penstock.Core.Primitives;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Tests.Ledger;

namespace Penstock.Gateway.Tests.Storage;

/// <summary>What every database that holds the ledger must do. A new one adds a class that opens it.</summary>
public abstract class LedgerStorageContract
{
    private static readonly Guid Journal = new("7f1c5a52-3b8e-4b57-9a64-0c1f3f0a9d11");
    private static readonly Guid OtherJournal = new("0d9b0f5e-6a0c-4c1a-8a5e-5f3f2f1e7c22");

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>An empty ledger; the test class disposes of it.</summary>
    private protected abstract ILedgerStorage Open();

    [Fact]
    public async Task An_entry_comes_back_field_by_field()
    {
        var ledger = Open();
        await ledger.ApplyAsync(Journal, [Settled(1), Settled(4)], Cancellation);

        foreach (var number in (int[])[1, 4])
        {
            var entry = await EntryAsync(ledger, number);
            Assert.Equal(LedgerSamples.Admission(number), entry.Admission);
            Assert.Equal(LedgerSamples.Settlement(number), entry.Settlement);
        }
    }

    [Fact]
    public async Task The_attempts_of_a_request_come_back_in_order()
    {
        var ledger = Open();
        await ledger.ApplyAsync(Journal, [Settled(1, 2), Settled(1, 1), Settled(2)], Cancellation);

        var entries = await ledger.ReadEntriesAsync(LedgerSamples.Key(1).RequestId, Cancellation);

        Assert.Equal([1, 2], entries.Select(entry => entry.Admission.Key.Attempt));
    }

    [Fact]
    public async Task An_open_entry_is_settled_once_and_then_never_changes()
    {
        var ledger = Open();
        await ledger.ApplyAsync(Journal, [Opened(1)], Cancellation);
        Assert.Null((await EntryAsync(ledger, 1)).Settlement);

        await ledger.ApplyAsync(Journal, [new(null, LedgerSamples.Settlement(1))], Cancellation);
        var settled = await EntryAsync(ledger, 1);
        var late = LedgerSamples.Settlement(1) with { Outcome = AttemptOutcome.Aborted, Price = new Money(1) };
        await ledger.ApplyAsync(
            Journal, [Opened(1), new(LedgerSamples.Admission(1), late), new(null, late)], Cancellation);

        var entry = await EntryAsync(ledger, 1);
        Assert.Equal(LedgerSamples.Admission(1), entry.Admission);
        Assert.Equal(LedgerSamples.Settlement(1), entry.Settlement);
        Assert.Equal(settled.Postings, entry.Postings);
    }

    [Fact]
    public async Task The_postings_of_an_entry_balance_and_say_who_owes_whom()
    {
        var ledger = Open();
        await ledger.ApplyAsync(Journal, [Settled(2)], Cancellation);

        Assert.Equal(
            [
                new Posting("customer", "receivable/acme", 102),
                new Posting("customer", "revenue/claude-haiku-4-5", -102),
                new Posting("provider", "cost/claude-haiku-4-5", 60),
                new Posting("provider", "payable/pool-a", -60),
            ],
            (await EntryAsync(ledger, 2)).Postings);
    }

    [Fact]
    public async Task An_entry_without_a_price_has_no_postings()
    {
        var ledger = Open();
        var unpriced = LedgerSamples.Settlement(1) with { Price = null, Cost = null };
        await ledger.ApplyAsync(Journal, [new(LedgerSamples.Admission(1), unpriced), Opened(2)], Cancellation);

        Assert.Empty((await EntryAsync(ledger, 1)).Postings);
        Assert.Empty((await EntryAsync(ledger, 2)).Postings);
        Assert.Null((await EntryAsync(ledger, 1)).Settlement!.Value.Price);
    }

    [Fact]
    public async Task A_settlement_alone_stands_with_unknown_dimensions()
    {
        var ledger = Open();
        await ledger.ApplyAsync(Journal, [new(null, LedgerSamples.Settlement(1))], Cancellation);

        var entry = await EntryAsync(ledger, 1);
        Assert.Equal("unknown", entry.Admission.KeyId);
        Assert.Equal(LedgerSamples.Settlement(1), entry.Settlement);
    }

    [Fact]
    public async Task Open_entries_are_those_of_their_journal()
    {
        var ledger = Open();
        await ledger.ApplyAsync(Journal, [Opened(1), Opened(2), Settled(3)], Cancellation);
        await ledger.ApplyAsync(OtherJournal, [Opened(4)], Cancellation);

        Assert.Equal(
            [LedgerSamples.Admission(1), LedgerSamples.Admission(2)],
            await ledger.ReadOpenAsync(Journal, 10, Cancellation));
        Assert.Single(await ledger.ReadOpenAsync(Journal, 1, Cancellation));
        Assert.Equal([LedgerSamples.Admission(4)], await ledger.ReadOpenAsync(OtherJournal, 10, Cancellation));
    }

    [Fact]
    public void Whatever_is_replayed_the_ledger_is_the_same()
    {
        var change =
            from number in Gen.Choose(1, 6)
            from shape in Gen.Choose(0, 2)
            select shape switch
            {
                0 => Opened(number),
                1 => Settled(number),
                _ => new(null, LedgerSamples.Settlement(number)),
            };
        var cases = (
            from changes in change.NonEmptyListOf()
            from replayed in Gen.Choose(0, 20)
            select (Changes: changes.ToArray(), replayed)).ToArbitrary();

        Prop.ForAll(cases, x =>
        {
            var once = Apply(x.Changes);
            var twice = Apply([.. x.Changes, .. x.Changes.Take(x.replayed)]);
            return once.SequenceEqual(twice);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));
    }

    [Fact]
    public async Task A_report_sums_every_category_by_what_is_asked_for()
    {
        var ledger = Open();
        await ledger.ApplyAsync(
            Journal, [.. Enumerable.Range(0, 12).Select(i => Settled(i)), Opened(50)], Cancellation);

        var all = Assert.Single(await ledger.QueryAsync(new UsageQuery { By = UsageGrouping.None }, Cancellation));
        Assert.Equal(12, all.Requests);
        Assert.Equal(12, all.Attempts);
        Assert.Equal(new TokenUsage((12 * 10) + 66, 24, 36, 48_000, 600, 60), all.Usage);
        Assert.Equal(new Money(1200 + 66), all.Price);
        Assert.Equal(new Money(6 * 60), all.Cost);
        Assert.Equal(3, all.Estimated);
        Assert.Equal(0, all.Unpriced);
        Assert.Null(all.KeyId ?? all.Model ?? all.Day?.ToString());

        var byKey = await ledger.QueryAsync(new UsageQuery { By = UsageGrouping.Key }, Cancellation);
        Assert.Equal(["key-0", "key-1", "key-2"], byKey.Select(row => row.KeyId));
        Assert.All(byKey, row => Assert.Equal(4, row.Requests));

        var byBoth = await ledger.QueryAsync(
            new UsageQuery { By = UsageGrouping.Key | UsageGrouping.Model | UsageGrouping.Day }, Cancellation);
        Assert.Equal(6, byBoth.Count);
        Assert.All(byBoth, row => Assert.Equal(new DateOnly(2026, 11, 20), row.Day));
        Assert.Equal(all.Price, byBoth.Aggregate(Money.Zero, (sum, row) => sum + row.Price));
    }

    [Fact]
    public async Task A_report_takes_a_half_open_span_of_time_a_key_and_a_model()
    {
        var ledger = Open();
        var midnight = new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);
        await ledger.ApplyAsync(
            Journal, [At(1, midnight.AddTicks(-10)), At(2, midnight), At(4, midnight.AddDays(1))], Cancellation);

        Assert.Equal(["2026-11-20", "2026-11-21", "2026-11-22"], await DaysAsync(new() { By = UsageGrouping.Day }));
        Assert.Equal(
            ["2026-11-21"],
            await DaysAsync(new() { By = UsageGrouping.Day, From = midnight, To = midnight.AddDays(1) }));
        Assert.Equal(["2026-11-21"], await DaysAsync(new() { By = UsageGrouping.Day, KeyId = "key-2" }));
        Assert.Equal(
            ["2026-11-20"], await DaysAsync(new() { By = UsageGrouping.Day, Model = "claude-opus-5-5" }));
        Assert.Empty(await ledger.QueryAsync(new() { By = UsageGrouping.None, KeyId = "nobody" }, Cancellation));

        async Task<IEnumerable<string?>> DaysAsync(UsageQuery query) =>
            (await ledger.QueryAsync(query, Cancellation)).Select(row => row.Day?.ToString("yyyy-MM-dd"));
    }

    [Fact]
    public async Task A_retried_request_counts_once_and_an_attempt_that_reached_nothing_is_no_attempt()
    {
        var ledger = Open();
        var notReached = LedgerSamples.Settlement(1) with
        {
            Outcome = AttemptOutcome.NotReached,
            Usage = default,
            Price = null,
        };
        await ledger.ApplyAsync(
            Journal, [new(LedgerSamples.Admission(1), notReached), Settled(1, 2), Settled(1, 3)], Cancellation);

        var row = Assert.Single(await ledger.QueryAsync(new() { By = UsageGrouping.None }, Cancellation));
        Assert.Equal(1, row.Requests);
        Assert.Equal(2, row.Attempts);
        Assert.Equal(1, row.Unpriced);
        Assert.Equal(new Money(202), row.Price);
    }

    private static LedgerChange Opened(int number) => new(LedgerSamples.Admission(number), null);

    private static LedgerChange Settled(int number, int attempt = 1) =>
        new(LedgerSamples.Admission(number, attempt), LedgerSamples.Settlement(number, attempt));

    private static LedgerChange At(int number, DateTimeOffset time) =>
        new(LedgerSamples.Admission(number) with { At = time }, LedgerSamples.Settlement(number));

    private static async Task<LedgerEntry> EntryAsync(ILedgerStorage ledger, int number) =>
        Assert.Single(await ledger.ReadEntriesAsync(LedgerSamples.Key(number).RequestId, Cancellation));

    /// <summary>All entries after the changes, one at a time as restarts would deliver them, as text.</summary>
    private List<string> Apply(LedgerChange[] changes)
    {
        var ledger = Open();
        foreach (var change in changes)
        {
            ledger.ApplyAsync(Journal, [change], CancellationToken.None).GetAwaiter().GetResult();
        }

        return
        [
            .. Enumerable.Range(1, 6)
                .SelectMany(i => ledger.ReadEntriesAsync(LedgerSamples.Key(i).RequestId, CancellationToken.None).Result)
                .Select(entry => $"{entry.Admission} {entry.Settlement} {string.Join(';', entry.Postings)}"),
        ];
    }
}
