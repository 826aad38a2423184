using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Storage;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>
/// Prints what the ledger costs. Asserts nothing about time, so it runs only when asked:
/// <c>Penstock.Gateway.Tests -explicit only -class Penstock.Gateway.Tests.Ledger.AppendCost -showLiveOutput</c>.
/// </summary>
public sealed class AppendCost
{
    private const int Requests = 200_000;
    private static int s_next;

    [Fact(Explicit = true)]
    public async Task Prints_what_an_append_and_an_applied_request_cost()
    {
        using var directory = new TemporaryDirectory();
        using var journal = UsageJournal.Open(directory.Path, new JournalOptions(), TimeProvider.System);
        Append(journal, 20_000);
        Report("append, one thread", 2 * Requests, () => Append(journal, Requests));
        Report("append, two threads", 4 * Requests, () => Parallel.Invoke(
            () => Append(journal, Requests),
            () => Append(journal, Requests)));

        using var ledger = new SqliteLedger(SqliteDatabase.Open(directory.Path));
        using var writer = new LedgerWriter(
            journal, ledger, new(), TimeProvider.System, NullLogger<LedgerWriter>.Instance);
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var start = Stopwatch.GetTimestamp();
        await writer.ApplyAvailableAsync(TestContext.Current.CancellationToken);
        var wall = Stopwatch.GetElapsedTime(start);
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        var output = TestContext.Current.TestOutputHelper!;
        output.WriteLine(
            $"apply to SQLite {SqliteEngine.Version}: {writer.Applied} requests, "
            + $"{wall.TotalMicroseconds / writer.Applied:0.0} us wall, "
            + $"{cpu.TotalMicroseconds / writer.Applied:0.0} us CPU each");
    }

    [Fact(Explicit = true)]
    public void Prints_how_long_single_appends_take_while_the_disk_is_forced()
    {
        const int Rate = 10_000;
        const int Seconds = 5;
        using var directory = new TemporaryDirectory();
        using var journal = UsageJournal.Open(directory.Path, new JournalOptions(), TimeProvider.System);
        Append(journal, 20_000);
        var took = new double[Rate * Seconds];
        var settlement = LedgerSamples.Settlement(1);
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; i < took.Length; i++)
        {
            while (Stopwatch.GetElapsedTime(begin).TotalSeconds * Rate < i)
            {
                Thread.SpinWait(20);
            }

            var start = Stopwatch.GetTimestamp();
            journal.Settle(settlement with { Key = LedgerSamples.Key(i) });
            took[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        // In an open loop all that come meanwhile wait as well, so the share of the time counts more than the number.
        var stalled = took.Where(t => t > 1_000).Sum() / 1e6 / Seconds;
        Array.Sort(took);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"append at {Rate}/s, us: p50 {took[took.Length / 2]:0.0}, p99 {took[took.Length * 99 / 100]:0.0}, "
            + $"p99.9 {took[took.Length * 999 / 1000]:0.0}, max {took[^1]:0}; {stalled:P2} of the time in appends of "
            + $"more than 1 ms; {journal.Stats.Flushes} flushes");
    }

    private static void Report(string name, long appends, Action run)
    {
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var start = Stopwatch.GetTimestamp();
        run();
        var wall = Stopwatch.GetElapsedTime(start);
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{name}: {wall.TotalNanoseconds / appends:0} ns wall, {cpu.TotalNanoseconds / appends:0} ns CPU each");
    }

    private static void Append(UsageJournal journal, int requests)
    {
        var first = Interlocked.Add(ref s_next, requests) - requests;
        var admission = LedgerSamples.Admission(1);
        var settlement = LedgerSamples.Settlement(1);
        for (var i = first; i < first + requests; i++)
        {
            var key = LedgerSamples.Key(i);
            journal.Admit(admission with { Key = key });
            journal.Settle(settlement with { Key = key });
        }
    }
}
