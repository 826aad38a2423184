using System.Buffers;
using System.Diagnostics;
using Penstock.Core.Primitives;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>
/// Prints what telling costs: a request, a batch, a reader. Asserts nothing about time, so it runs only when asked:
/// <c>Penstock.Gateway.Tests -explicit only -class Penstock.Gateway.Tests.Cluster.PeerCost -showLiveOutput</c>.
/// </summary>
public sealed class PeerCost : IPeerFrames
{
    private const int Turns = 2_000;
    private const int Sessions = 100;

    private readonly ITestOutputHelper _output = TestContext.Current.TestOutputHelper!;
    private long _heard;

    [Theory(Explicit = true)]
    [InlineData(94)]
    [InlineData(1_600)]
    public void Prints_the_cost_of_prompts_of_so_many_blocks(int blocks)
    {
        var outbox = new PeerOutbox();
        var pool = outbox.Open("p", [.. Enumerable.Range(0, 64).Select(i => $"replica-{i}")]);
        var sender = new PeerSender("a", 1, outbox);
        sender.TellFrom(new NewsCursor(1));
        var decoder = new PeerDecoder();
        var rng = new Rng(1);
        var most = blocks + (Turns / Sessions * 10);
        var chains = Enumerable.Range(0, Sessions).Select(_ => Draw(ref rng, most)).ToArray();
        var (loads, routes, batches, reads) = (0L, 0L, 0L, 0L);
        var now = Instant.Zero;
        for (var turn = 0; turn < Turns; turn++)
        {
            var chain = chains[turn % Sessions].AsSpan(0, blocks + (turn / Sessions * 10));
            var start = Stopwatch.GetTimestamp();
            pool.LoadChanged(turn % 64, turn, turn, turn);
            var loaded = Stopwatch.GetTimestamp();
            pool.Routed(turn % 64, chain);
            var routed = Stopwatch.GetTimestamp();
            now += PeerTimes.BatchEvery;
            var buffer = new ReadOnlySequence<byte>(sender.Next(now));
            var sent = Stopwatch.GetTimestamp();
            decoder.Read(ref buffer, this);
            var read = Stopwatch.GetTimestamp();
            loads += loaded - start;
            routes += routed - loaded;
            batches += sent - routed;
            reads += read - sent;
        }

        _output.WriteLine(
            $"{blocks} blocks: load {Nanoseconds(loads)} ns, prompt {Nanoseconds(routes)} ns; batch "
            + $"{Nanoseconds(batches)} ns, reading it {Nanoseconds(reads)} ns, "
            + $"{outbox.Counters.BytesOut / Turns} bytes");
        Assert.Equal(Turns, _heard);
    }

    private static long Nanoseconds(long ticks) => ticks * 1_000_000_000 / Stopwatch.Frequency / Turns;

    private static ulong[] Draw(ref Rng rng, int count)
    {
        var blocks = new ulong[count];
        foreach (ref var block in blocks.AsSpan())
        {
            block = rng.NextUInt64();
        }

        return blocks;
    }

    void IPeerFrames.Hello(long epoch, string node)
    {
    }

    void IPeerFrames.Heartbeat(long nanoseconds)
    {
    }

    void IPeerFrames.Load(PeerReplica replica, int inFlight, long prefillTokens, long decodeTokens)
    {
    }

    void IPeerFrames.Prefix(PeerReplica replica, ReadOnlySpan<ulong> blocks) => _heard++;

    void IPeerFrames.Answered(PeerReplica replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer) => _heard++;

    void IPeerFrames.CacheLost(PeerReplica replica)
    {
    }

    void IPeerFrames.Goodbye()
    {
    }
}
