using Penstock.Core.Metering;
using Penstock.Core.Models;
using Penstock.Core.Primitives;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>Records that differ in every field with their number.</summary>
internal static class LedgerSamples
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Small segments that are forced to disk only when a test asks.</summary>
    public static readonly JournalOptions SmallJournal = new()
    {
        SegmentBytes = JournalOptions.SegmentBytesMin,
        FlushInterval = TimeSpan.FromHours(1),
    };

    public static AttemptKey Key(int number, int attempt = 1) =>
        new(new Guid(number, 7, 7, [1, 2, 3, 4, 5, 6, 7, 8]), attempt);

    public static AdmissionRecord Admission(int number, int attempt = 1) => new()
    {
        Key = Key(number, attempt),
        At = Noon.AddMilliseconds(number),
        KeyId = $"key-{number % 3}",
        Org = "acme",
        Workspace = "default",
        Model = number % 2 == 0 ? "claude-haiku-4-5" : "claude-opus-5-5",
        Pool = "pool-a",
        Replica = $"replica-{attempt}",
        Dialect = number % 2 == 0 ? Dialect.Anthropic : Dialect.OpenAiChat,
        Stream = number % 3 == 0,
        PromptTokensEstimate = 1000 + number,
        OutputTokensMax = 4096,
    };

    public static SettlementRecord Settlement(int number, int attempt = 1) => new()
    {
        Key = Key(number, attempt),
        At = Noon.AddSeconds(1).AddMilliseconds(number),
        Outcome = number % 5 == 0 ? AttemptOutcome.ClientGone : AttemptOutcome.Completed,
        HttpStatus = 200,
        Usage = new TokenUsage(10 + number, 2, 3, 4000, 50, 5),
        UsageIsEstimated = number % 5 == 0,
        Price = new Money(100 + number),
        Cost = number % 2 == 0 ? new Money(60) : null,
        FirstByteAfter = number % 4 == 0 ? null : TimeSpan.FromMilliseconds(120),
        Duration = TimeSpan.FromMilliseconds(900),
        DecisionId = $"d-{number}",
        RequestBytes = 60_000,
        ResponseBytes = 2_000,
    };
}

/// <summary>Remembers what a cursor delivered, in order.</summary>
internal sealed class RecordList : IJournalReader
{
    public List<AdmissionRecord> Admissions { get; } = [];

    public List<SettlementRecord> Settlements { get; } = [];

    /// <summary>Both kinds in order, as one object each.</summary>
    public List<object> All { get; } = [];

    public void Admitted(JournalPosition at, in AdmissionRecord record)
    {
        Admissions.Add(record);
        All.Add(record);
    }

    public void Settled(JournalPosition at, in SettlementRecord record)
    {
        Settlements.Add(record);
        All.Add(record);
    }

    /// <summary>Everything that is in the journal now.</summary>
    public static RecordList Read(UsageJournal journal, out long bytesDamaged)
    {
        var records = new RecordList();
        var cursor = new JournalCursor(journal);
        while (cursor.Read(records, 1000) > 0)
        {
        }

        bytesDamaged = cursor.BytesDamaged;
        return records;
    }

    public static RecordList Read(UsageJournal journal) => Read(journal, out _);
}

/// <summary>A directory that is gone after the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("penstock-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
