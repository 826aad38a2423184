using System.Buffers;
using Penstock.Core.Primitives;
using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Tests.Cluster.Outgoing;

/// <summary>From what a pool reports to the batches of a stream, without the network.</summary>
public class PeerOutboxTests
{
    private readonly PeerOutbox _outbox = new();
    private readonly Reading _read = new();
    private Instant _now = Instant.FromSeconds(1);

    [Fact]
    public void A_slow_peer_gets_the_newest_load_and_not_those_in_between()
    {
        var pool = _outbox.Open("p", ["r0", "r1"]);
        var sender = Sender();
        for (var i = 1; i <= 1_000; i++)
        {
            pool.LoadChanged(1, i, 2 * i, 3 * i);
        }

        Assert.Equal(["r1 1000 2000 3000"], Batch(sender));
        Assert.Empty(Batch(sender));
        pool.LoadChanged(1, 1_000, 2_000, 3_000);
        Assert.Empty(Batch(sender));
    }

    [Fact]
    public void Every_stream_gets_all_loads_whenever_it_begins()
    {
        var pool = _outbox.Open("p", ["r0", "r1"]);
        pool.LoadChanged(0, 1, 1, 1);
        var first = Sender();
        Assert.Equal(["r0 1 1 1"], Batch(first));
        pool.LoadChanged(1, 2, 2, 2);
        Assert.Equal(["r0 1 1 1", "r1 2 2 2"], Batch(Sender()));
        Assert.Equal(["r1 2 2 2"], Batch(first));
    }

    [Fact]
    public void A_pool_before_a_reload_and_the_one_after_it_add_up()
    {
        var sender = Sender();
        var before = _outbox.Open("p", ["r0", "r1"]);
        before.LoadChanged(0, 3, 30, 0);
        var after = _outbox.Open("p", ["r1", "r0"]);
        after.LoadChanged(1, 1, 5, 5);
        Assert.Equal(["r0 4 35 5"], Batch(sender));
        before.LoadChanged(0, 1, 0, 7);
        Assert.Equal(["r0 2 5 12"], Batch(sender));
        before.Dispose();
        Assert.Equal(["r0 1 5 5"], Batch(sender));
        after.Dispose();
        Assert.Equal(["r0 0 0 0"], Batch(sender));
    }

    [Fact]
    public void Where_more_changes_than_a_batch_holds_every_replica_gets_its_turn()
    {
        var names = Enumerable.Range(0, PeerFormat.ReplicasMax).Select(i => $"replica-{i:00000}").ToArray();
        var pool = _outbox.Open("p", names);
        var sender = Sender();
        var told = new HashSet<string>();
        for (var batch = 0; batch < 40; batch++)
        {
            for (var slot = 0; slot < names.Length; slot++)
            {
                pool.LoadChanged(slot, batch + 1, 1_000_000, 1_000_000);
            }

            told.UnionWith(Batch(sender).Select(l => l.Split(' ')[0]));
        }

        Assert.Equal(names, told.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Replicas_beyond_what_a_stream_can_name_are_counted_and_left_out()
    {
        _outbox.Open("p", [.. Enumerable.Range(0, PeerFormat.ReplicasMax).Select(i => $"r{i}")]);
        var pool = _outbox.Open("q", ["one", "too", "many"]);
        pool.LoadChanged(1, 1, 1, 1);
        pool.Routed(1, [1]);
        pool.CacheLost(1);
        pool.Dispose();
        Assert.Equal(3, _outbox.Counters.Unlisted);
        Assert.Equal(PeerFormat.ReplicasMax, _outbox.Replicas.Length);
    }

    [Fact]
    public async Task That_no_name_is_left_is_said_once()
    {
        using var log = new FaultLog();
        var outbox = new PeerOutbox(log);
        outbox.Open("p", [.. Enumerable.Range(0, PeerFormat.ReplicasMax).Select(i => $"r{i}")]);
        Assert.Empty(log.News);
        outbox.Open("q", ["one", "too"]);
        outbox.Open("r", ["many"]);
        await Until.TrueAsync(() => log.News.Count > 0);
        Assert.Contains("not shared with other gateways any more", Assert.Single(log.News));
    }

    [Fact]
    public void A_stream_that_is_too_slow_misses_the_oldest_prompts_and_counts_them()
    {
        var pool = _outbox.Open("p", ["r0"]);
        var cursor = new NewsCursor(1);
        var sender = Sender(cursor);
        pool.Routed(0, [7]);
        Assert.Equal(["r0 7"], Batch(sender));
        for (var i = 0UL; i < RouteRing.ItemsMax + 10; i++)
        {
            pool.Routed(0, [i + 100]);
        }

        var told = new List<string>();
        for (var batch = Batch(sender); batch.Count > 0; batch = Batch(sender))
        {
            told.AddRange(batch);
        }

        Assert.Equal(Enumerable.Range(110, RouteRing.ItemsMax).Select(i => $"r0 {i}"), told);
        Assert.Equal(10, _outbox.Counters.Dropped);

        // What fell between two streams of one peer is missed too; what was before the first is not.
        for (var i = 0UL; i < RouteRing.ItemsMax + 5; i++)
        {
            pool.Routed(0, [i + 100]);
        }

        Batch(Sender(new NewsCursor(1, cursor.Position)));
        Assert.Equal(15, _outbox.Counters.Dropped);
        Batch(Sender());
        Assert.Equal(15, _outbox.Counters.Dropped);
    }

    [Fact]
    public void A_stream_tells_what_happened_once_it_is_known_who_reads_it_from_where_the_one_before_it_was()
    {
        var pool = _outbox.Open("p", ["r0"]);
        var sender = new PeerSender("a", 1, _outbox);
        pool.LoadChanged(0, 1, 1, 1);
        pool.Routed(0, [7]);
        Assert.Equal(["r0 1 1 1"], Batch(sender));

        var cursor = new NewsCursor(1);
        sender.TellFrom(cursor);
        Assert.Equal(["r0 7"], Batch(sender));
        pool.Routed(0, [8]);
        Assert.Equal(["r0 1 1 1", "r0 8"], Batch(Sender(new NewsCursor(1, cursor.Position))));
        Assert.Equal(["r0 1 1 1", "r0 7", "r0 8"], Batch(Sender()));
    }

    [Fact]
    public void Long_chains_overwrite_what_is_oldest_and_nothing_else()
    {
        var ring = new RouteRing();
        var replica = new OutboxReplica(0, "p", "r");
        var into = new ulong[PeerFormat.BlocksMax];
        var fit = RouteRing.BlocksMax / PeerFormat.BlocksMax;
        for (var i = 0; i < fit + 3; i++)
        {
            var chain = new ulong[PeerFormat.BlocksMax + 5];
            Array.Fill(chain, (ulong)i);
            ring.Add(NewsKind.Routed, replica, chain);
        }

        var cursor = 0L;
        for (var i = 3; i < fit + 3; i++)
        {
            Assert.True(ring.TryRead(ref cursor, into, out var news, out var missed));
            Assert.Equal((i == 3 ? 3 : 0, PeerFormat.BlocksMax), (missed, news.Blocks));
            Assert.All(into, block => Assert.Equal((ulong)i, block));
            cursor++;
        }

        Assert.False(ring.TryRead(ref cursor, into, out _, out _));
    }

    [Fact]
    public void A_stream_without_news_says_each_second_that_it_is_there()
    {
        var sender = Sender();
        Assert.False(sender.Next(_now).IsEmpty);
        Assert.True(sender.Next(_now + TimeSpan.FromSeconds(0.9)).IsEmpty);
        Assert.False(sender.Next(_now + TimeSpan.FromSeconds(1)).IsEmpty);
        Assert.True(sender.Next(_now + TimeSpan.FromSeconds(1.9)).IsEmpty);
    }

    [Fact]
    public void Nothing_is_allocated_by_what_a_request_reports_nor_by_a_batch()
    {
        var pool = _outbox.Open("p", ["r0", "r1"]);
        var sender = Sender();
        var rng = new Rng(5);
        var chain = new ulong[1_600];
        foreach (ref var block in chain.AsSpan())
        {
            block = rng.NextUInt64();
        }

        var inFlight = 0;
        sender.Next(_now);
        Assert.Equal(0, Allocation.Of(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                pool.Routed(1, chain.AsSpan(0, 1_000 + i));
                pool.LoadChanged(1, ++inFlight, inFlight, inFlight);
                pool.CacheLost(0);
                _now += TimeSpan.FromMilliseconds(25);
                sender.Next(_now);
            }
        }));
    }

    private PeerSender Sender(NewsCursor? cursor = null)
    {
        var sender = new PeerSender("a", 1, _outbox);
        sender.TellFrom(cursor ?? new NewsCursor(1));
        return sender;
    }

    private List<string> Batch(PeerSender sender)
    {
        _now += TimeSpan.FromMilliseconds(25);
        return _read.Of(sender, sender.Next(_now));
    }

    /// <summary>What the other end of each stream reads: loads, and chains.</summary>
    private sealed class Reading : IPeerFrames
    {
        private readonly Dictionary<PeerSender, PeerDecoder> _decoders = [];
        private List<string> _lines = [];

        public List<string> Of(PeerSender sender, ReadOnlyMemory<byte> bytes)
        {
            if (!_decoders.TryGetValue(sender, out var decoder))
            {
                _decoders[sender] = decoder = new PeerDecoder();
            }

            _lines = [];
            var buffer = new ReadOnlySequence<byte>(bytes);
            Assert.Equal(PeerFailure.None, decoder.Read(ref buffer, this));
            Assert.True(buffer.IsEmpty);
            return _lines;
        }

        public void Hello(long epoch, string node)
        {
        }

        public void Heartbeat(long nanoseconds)
        {
        }

        public void Load(PeerReplica replica, int inFlight, long prefillTokens, long decodeTokens) =>
            _lines.Add($"{replica.Name} {inFlight} {prefillTokens} {decodeTokens}");

        public void Prefix(PeerReplica replica, ReadOnlySpan<ulong> blocks) =>
            _lines.Add($"{replica.Name} {string.Join(',', blocks.ToArray())}");

        public void Answered(PeerReplica replica, ReadOnlySpan<ulong> blocks, in PeerAnswer answer) =>
            _lines.Add($"{replica.Name} {string.Join(',', blocks.ToArray())} answered {answer.AnswerTokens}");

        public void CacheLost(PeerReplica replica)
        {
        }

        public void Goodbye()
        {
        }
    }
}
