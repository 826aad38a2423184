using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Penstock.Core.Config;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Configuration;
using Penstock.Gateway.Pools;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Tests.Shared.Personalities;

namespace Penstock.Gateway.Tests.Pools;

public sealed class FleetStartTests
{
    private const int Block = 64;

    [Fact]
    public async Task A_replica_that_is_recognised_while_the_fleet_is_made_still_says_what_a_block_is()
    {
        await using var engine = Personality.Sglang.Start().On("GET /server_info", Script.Reply(200, $$"""
            {"model_path":"/models/x","served_model_name":"x","tp_size":1,"dp_size":1,"page_size":{{Block}},
            "context_length":32768,"max_total_num_tokens":16000,"version":"1.2.3"}
            """));
        var pools = new[] { "first", "second" }.Select(
            n => RunningGateway.Pool(n, engine) with { Engine = "sglang", PrefixKeys = KnownNames.KeysTokens });
        var document = RunningGateway.Document(engine) with
        {
            Pools = [.. pools], Routing = new RoutingConfig { CacheScope = KnownNames.ScopeAll },
        };
        var secrets = SecretReader.FromProcess(Path.GetTempPath()).Read(document);
        var log = new RecognitionLog();
        await using var fleet = new FleetRuntime(
            ConfigLoader.FromDocument(document, 1, secrets).Snapshot!, new TimeWithAPause(log), 1, PoolOutlets.None, 1,
            log);
        while (fleet.Current.Pools.Any(p => p.Keying.BlockLength != Block))
        {
            Assert.Empty(log.Faults);
            RunningGateway.Guard.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Before the second pool has its replica, the one of the first is recognised, and what follows of that
    /// had its turn.</summary>
    private sealed class TimeWithAPause(RecognitionLog log) : TimeProvider
    {
        private int _views;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (state is CacheView && ++_views == 2)
            {
                log.Recognised.Wait(RunningGateway.Guard);
                for (var turn = 0; turn < 100; turn++)
                {
                    using var taken = new ManualResetEventSlim();
                    ThreadPool.UnsafeQueueUserWorkItem(static t => t.Set(), taken, preferLocal: false);
                    taken.Wait(RunningGateway.Guard);
                }
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    private sealed class RecognitionLog : ILogger<FleetRuntime>
    {
        public ManualResetEventSlim Recognised { get; } = new();

        public ConcurrentQueue<string> Faults { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error)
            {
                Faults.Enqueue($"{formatter(state, exception)} {exception}");
            }
            else if (formatter(state, exception).Contains("was recognised", StringComparison.Ordinal))
            {
                Recognised.Set();
            }
        }
    }
}
