using System.Diagnostics;
using Penstock.Gateway.Ledger;
using Penstock.Gateway.Tests.Clients;

namespace Penstock.Gateway.Tests.Crash;

/// <summary>
/// The whole program is killed with SIGKILL, under load and while it starts, in front of engines that live on. In the
/// end the ledger holds every request that reached an engine, once.
/// </summary>
public sealed class CrashTests : IAsyncDisposable
{
    private const int Kills = 50;
    private const int StartRounds = 6;
    private const int StartKillsEach = 3;

    private static readonly string s_prices =
        $"{{ model: {Order.Model}, input: {Books.InputPrice}, cache_read: {Books.CacheReadPrice}, "
        + $"output: {Books.OutputPrice} }}";

    private readonly OrderedEngine[] _engines = [new("r0", isFirst: true), new("r1", isFirst: false)];
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in _engines)
        {
            await engine.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_by_fifty_kills_under_load()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var gateway = await GatewayProcess.Start("--config", WriteDocument());
        var load = new Load(gateway, random);
        for (var round = 0; round < Kills; round++)
        {
            await load.RunUntilKilledAsync(seenMax: 600);
            await gateway.Start();
        }

        await CloseAsync(gateway, load, seed);
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_by_kills_during_start_and_recovery()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var began = Stopwatch.GetTimestamp();
        await using var gateway = await GatewayProcess.Start("--config", WriteDocument());
        var startTime = Stopwatch.GetElapsedTime(began);
        var load = new Load(gateway, random);
        for (var round = 0; round < StartRounds; round++)
        {
            await load.RunUntilKilledAsync(seenMax: 600);
            for (var kill = 0; kill < StartKillsEach; kill++)
            {
                await (kill == 0
                    ? KillWithinStartAsync(gateway, startTime * random.NextDouble())
                    : KillWithinRecoveryAsync(gateway, TimeSpan.FromMicroseconds(random.Next(30_000))));
            }

            await gateway.Start();
        }

        await CloseAsync(gateway, load, seed);
    }

    private async Task CloseAsync(GatewayProcess gateway, Load load, int seed)
    {
        await gateway.Stop();
        foreach (var engine in _engines)
        {
            await engine.WhenNobodyIsConnectedAsync(Cancellation);
        }

        var arrivals = _engines.SelectMany(e => e.Arrivals).ToList();
        var books = Books.Open(gateway.DataFolder);
        var figures = $"seed {seed}: {load.Orders} requests, {arrivals.Count} reached an engine; {books}";
        TestContext.Current.TestOutputHelper?.WriteLine(figures);
        Assert.True(
            load.Troubles.Count == 0, $"{figures}\n{string.Join('\n', load.Troubles.Take(20))}\n{gateway.Output}");
        try
        {
            books.MatchArrivals(arrivals);
            books.MatchUsage(arrivals);
            books.MatchReceipts(load.Receipts);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(figures, e);
        }

        // A run without these would prove nothing.
        Assert.True(books.Count(AttemptOutcome.Completed) > 0, figures);
        Assert.True(books.Count(AttemptOutcome.ProcessDied) > 0, figures);
        Assert.True(books.Count(AttemptOutcome.ClientGone) > 0, figures);
        Assert.True(books.Retried > 0, figures);
    }

    /// <summary>The delay is the random point, and nothing is waited for with it.</summary>
    private static async Task KillWithinStartAsync(GatewayProcess gateway, TimeSpan after)
    {
        gateway.Launch();
        await Task.Delay(after, Cancellation);
        await gateway.Kill();
    }

    /// <summary>Kills it shortly after it has opened the journal, which is when it settles what was left.</summary>
    private static async Task KillWithinRecoveryAsync(GatewayProcess gateway, TimeSpan after)
    {
        var opened = new TaskCompletionSource();
        var files = 0;
        using var watcher = new FileSystemWatcher(Path.Combine(gateway.DataFolder, "journal"));
        watcher.Created += (_, _) =>
        {
            // Later files may be told of when the next process is already there.
            if (Interlocked.Increment(ref files) > 1)
            {
                return;
            }

            var from = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(from) < after)
            {
                Thread.SpinWait(20);
            }

            gateway.KillNow();
            opened.TrySetResult();
        };
        watcher.EnableRaisingEvents = true;
        gateway.Launch();
        await opened.Task.WaitAsync(Cancellation);
        await gateway.Kill();
    }

    private string WriteDocument()
    {
        var path = _folder.File("penstock.yaml");
        File.WriteAllText(path, $$"""
            routing: { policy: round-robin, retry_budget: 0.5 }
            models: [{ id: {{Order.Model}} }]
            pools:
              - name: main
                model: {{Order.Model}}
                engine: vllm
                replicas:
                  - { url: "{{_engines[0].Url}}", name: r0 }
                  - { url: "{{_engines[1].Url}}", name: r1 }
            prices: [{{s_prices}}]
            telemetry: { log_level: warning }
            """);
        return path;
    }
}
