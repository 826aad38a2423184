using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Penstock.Gateway.Ledger;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>
/// A real process appends as fast as it can and is killed with SIGKILL. Everything that it acknowledged must be in the
/// journal once.
/// </summary>
public sealed class JournalKillTests
{
    private const string DirectoryVariable = "PENSTOCK_TEST_JOURNAL_APPENDER";
    private const int Rounds = 20;
    private const int AppenderThreads = 2;
    private const int SettlementFlag = 1 << 30;

    [Fact]
    public void Every_acknowledged_record_outlives_a_kill_at_any_moment()
    {
        var random = new Random(20261120);
        for (var round = 0; round < Rounds; round++)
        {
            using var directory = new TemporaryDirectory();
            var acknowledged = KillAfter(directory.Path, acknowledgements: random.Next(1, 20_000));

            using var journal = UsageJournal.Open(directory.Path, LedgerSamples.SmallJournal, TimeProvider.System);
            var records = RecordList.Read(journal, out var damaged);

            // A kill in the middle of a copy leaves one torn record at most.
            Assert.InRange(damaged, 0, JournalFormat.FrameBytesMax);
            var numbers = records.All
                .Select(record => record is AdmissionRecord admission
                    ? NumberOf(admission.Key)
                    : NumberOf(((SettlementRecord)record).Key) | SettlementFlag)
                .ToList();
            Assert.Equal(numbers.Distinct().Count(), numbers.Count);
            Assert.Empty(acknowledged.Except(numbers));

            // Each thread may have been killed between an append and its acknowledgement, no more.
            Assert.InRange(numbers.Count - acknowledged.Count, 0, AppenderThreads);
        }
    }

    /// <summary>
    /// Turns the test executable into the appender when it is started for that. A module initializer, because the
    /// entry point belongs to the test framework.
    /// </summary>
    [ModuleInitializer]
    internal static void AppendIfAsked()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } directory)
        {
            AppendUntilKilled(directory);
        }
    }

    private static void AppendUntilKilled(string directory)
    {
        var options = LedgerSamples.SmallJournal with { FlushInterval = TimeSpan.FromMilliseconds(5) };
        var journal = UsageJournal.Open(directory, options, TimeProvider.System);
        var output = Console.OpenStandardOutput();
        Parallel.For(0, AppenderThreads, new ParallelOptions { MaxDegreeOfParallelism = AppenderThreads }, thread =>
        {
            Span<byte> line = stackalloc byte[sizeof(int)];
            for (var i = thread; ; i += AppenderThreads)
            {
                Acknowledge(journal.Admit(LedgerSamples.Admission(i)), i, line);
                Acknowledge(journal.Settle(LedgerSamples.Settlement(i)), i | SettlementFlag, line);
            }
        });

        // Four bytes in one write: the kernel keeps it whole, so no lock is needed.
        void Acknowledge(AppendResult appended, int number, Span<byte> line)
        {
            if (appended.Accepted)
            {
                BinaryPrimitives.WriteInt32LittleEndian(line, number);
                output.Write(line);
            }
        }
    }

    private static HashSet<int> KillAfter(string directory, int acknowledgements)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(JournalKillTests).Assembly.Location);
        }

        start.Environment[DirectoryVariable] = directory;
        using var appender = Process.Start(start)!;
        var output = new BufferedStream(appender.StandardOutput.BaseStream, 64 * 1024);
        var acknowledged = new HashSet<int>();
        var line = new byte[sizeof(int)];
        while (output.ReadAtLeast(line, line.Length, throwOnEndOfStream: false) == line.Length)
        {
            Assert.True(acknowledged.Add(BinaryPrimitives.ReadInt32LittleEndian(line)));
            if (acknowledged.Count == acknowledgements)
            {
                appender.Kill();
            }
        }

        appender.WaitForExit();
        Assert.True(acknowledged.Count >= acknowledgements, "the appender ended by itself");
        return acknowledged;
    }

    private static int NumberOf(AttemptKey key) =>
        BinaryPrimitives.ReadInt32BigEndian(key.RequestId.ToByteArray(bigEndian: true));
}
