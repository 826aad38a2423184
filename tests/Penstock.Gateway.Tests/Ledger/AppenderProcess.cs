using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Storage;

namespace Penstock.Gateway.Tests.Ledger;

/// <summary>
/// A real process that appends as fast as it can, acknowledges on its standard output what was accepted, and is killed
/// with SIGKILL. It is the test executable itself, started with a variable set.
/// </summary>
internal static class AppenderProcess
{
    public const int Threads = 2;

    /// <summary>Set in the number of an acknowledged settlement.</summary>
    public const int SettlementFlag = 1 << 30;

    private const string DirectoryVariable = "PENSTOCK_TEST_APPENDER_DIRECTORY";
    private const string LedgerVariable = "PENSTOCK_TEST_APPENDER_WRITES_LEDGER";

    /// <summary>
    /// Runs an appender until it has acknowledged so much, kills it, and returns everything it had acknowledged.
    /// </summary>
    public static HashSet<int> KillAfter(string directory, int acknowledgements, bool writesLedger)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(AppenderProcess).Assembly.Location);
        }

        start.Environment[DirectoryVariable] = directory;
        start.Environment[LedgerVariable] = writesLedger ? "1" : "";
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

    /// <summary>The number that a key was made from.</summary>
    public static int NumberOf(AttemptKey key) =>
        BinaryPrimitives.ReadInt32BigEndian(key.RequestId.ToByteArray(bigEndian: true));

    /// <summary>A module initializer, because the entry point belongs to the test framework.</summary>
    [ModuleInitializer]
    internal static void AppendIfAsked()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } directory)
        {
            AppendUntilKilled(directory, Environment.GetEnvironmentVariable(LedgerVariable) == "1");
        }
    }

    private static void AppendUntilKilled(string directory, bool writesLedger)
    {
        var options = LedgerSamples.SmallJournal with { FlushInterval = TimeSpan.FromMilliseconds(5) };
        var journal = UsageJournal.Open(directory, options, TimeProvider.System);
        if (writesLedger)
        {
            var writer = new LedgerWriter(
                journal,
                new SqliteLedger(SqliteDatabase.Open(directory)),
                new LedgerWriterOptions { ApplyInterval = TimeSpan.FromMilliseconds(1), BatchRecordsMax = 500 },
                TimeProvider.System,
                NullLogger<LedgerWriter>.Instance);
            writer.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        }

        var output = Console.OpenStandardOutput();
        Parallel.For(
            0,
            Threads,
            new ParallelOptions { MaxDegreeOfParallelism = Threads },
            thread => Append(journal, output, thread));
    }

    private static void Append(UsageJournal journal, Stream output, int thread)
    {
        // Some attempts run on for long, so that they outlive their segment.
        const int Behind = 700;
        Span<byte> line = stackalloc byte[sizeof(int)];
        for (var i = thread; ; i += Threads)
        {
            Acknowledge(output, journal.Admit(LedgerSamples.Admission(i)), i, line);
            var settled = i % 4 < Threads ? i : i - (Behind * 4);
            if (settled >= 0)
            {
                Acknowledge(output, journal.Settle(LedgerSamples.Settlement(settled)), settled | SettlementFlag, line);
            }
        }
    }

    /// <summary>Four bytes in one write: the kernel keeps it whole, so no lock is needed.</summary>
    private static void Acknowledge(Stream output, AppendResult appended, int number, Span<byte> line)
    {
        if (appended.Accepted)
        {
            BinaryPrimitives.WriteInt32LittleEndian(line, number);
            output.Write(line);
        }
    }
}
