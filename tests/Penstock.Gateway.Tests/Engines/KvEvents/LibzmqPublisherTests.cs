using System.Net;
using Penstock.Engines.KvEvents;

namespace Penstock.Gateway.Tests.Engines.KvEvents;

/// <summary>Subscriptions against publishers of an independent implementation.</summary>
public sealed class LibzmqPublisherTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Catches_up_and_fills_gaps_by_replays_in_both_framings(int framing)
    {
        await using var engine = await PythonPublisher.StartAsync();
        var ports = await engine.Do(new { @do = "bind", replay = framing, topic = "kv@a@m" });
        await engine.Send(0, 10);
        await engine.Send(1, 11);

        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, Connected(ports, topic: "kv@"));
        await engine.Do(new { @do = "wait" });
        Assert.Equal("rank 0: +10/2; rank 0: +11/2", await listener.Next(2));
        await engine.Send(2, 12);
        Assert.Equal("rank 0: +12/2", await listener.Next());
        await engine.Send(3, 13, lost: true);
        await engine.Send(4, 14, lost: true);
        await engine.Send(5, 15);
        Assert.Equal(
            "Gap 3-5; rank 0: +13/2; rank 0: +14/2; rank 0: +15/2; Recovered 3-5", await listener.Next(5));
        await engine.Send(6, 16);
        Assert.Equal("rank 0: +16/2", await listener.Next());
        Assert.Equal((7, 1, 0, 7), (
            subscription.Counters.Batches, subscription.Counters.Gaps, subscription.Counters.Forgets,
            subscription.Counters.Blocks));
    }

    [Fact]
    public async Task Takes_a_publisher_that_begins_again_for_a_restart()
    {
        await using var engine = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        var ports = await engine.Do(new { @do = "bind", replay = 2 });
        await using var subscription = Subscribe(listener, Connected(ports));
        await engine.Do(new { @do = "wait" });
        await engine.Send(0, 10);
        await engine.Send(1, 11);
        await listener.Until("rank 0: +11/2");

        await engine.Do(new { @do = "restart", send = Array.Empty<object>() });
        await engine.Do(new { @do = "wait" });
        Assert.Equal("forget rank 0 Restarted", await listener.Next());
        await engine.Send(0, 20);
        Assert.Equal("rank 0: +20/2", await listener.Next());
    }

    [Fact]
    public async Task Finds_a_restart_that_the_numbers_do_not_show()
    {
        await using var engine = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        var ports = await engine.Do(new { @do = "bind", replay = 3 });
        await using var subscription = Subscribe(listener, Connected(ports));
        await engine.Do(new { @do = "wait" });
        await engine.Send(0, 10);
        await engine.Send(1, 11);
        await listener.Until("rank 0: +11/2");

        var sent = Enumerable.Range(0, 4).Select(i => new { seq = i, batch = PythonPublisher.Batch(20 + i) });
        await engine.Do(new { @do = "restart", send = sent });
        await engine.Do(new { @do = "wait" });
        Assert.Equal(
            "forget rank 0 Restarted; rank 0: +20/2; rank 0: +21/2; rank 0: +22/2; rank 0: +23/2",
            await listener.Next(5));
        await engine.Send(4, 24);
        Assert.Equal("rank 0: +24/2", await listener.Next());
    }

    [Fact]
    public async Task Forgets_what_a_gap_made_doubtful_where_nothing_can_be_replayed()
    {
        await using var engine = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        var ports = await engine.Do(new { @do = "bind" });
        await using var subscription = Subscribe(listener, Connected(ports));
        Assert.Equal("01", (await engine.Do(new { @do = "wait" })).GetProperty("subscription").GetString());
        await engine.Send(5, 15);
        await engine.Send(6, 16);
        await engine.Send(8, 18);
        await engine.Send(0, 20);
        Assert.Equal(
            "from 5; rank 0: +15/2; rank 0: +16/2; Gap 7-8; forget rank 0 NoReplay; from 8; rank 0: +18/2; " +
            "forget rank 0 Restarted; rank 0: +20/2",
            await listener.Next(9));
    }

    [Fact]
    public async Task Forgets_what_is_doubtful_where_the_replay_no_longer_reaches()
    {
        await using var engine = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        var ports = await engine.Do(new { @do = "bind", replay = 2 });
        await engine.Send(0, 10);
        await using var subscription = Subscribe(listener, Connected(ports));
        await engine.Do(new { @do = "wait" });
        Assert.Equal("rank 0: +10/2", await listener.Next());
        for (var i = 1; i < 5; i++)
        {
            await engine.Send((ulong)i, 10 + i, lost: true);
        }

        await engine.Do(new { @do = "drop", before = 3 });
        await engine.Send(5, 15);
        Assert.Equal(
            "Gap 1-5; forget rank 0 WindowMissed; from 3; rank 0: +13/2; rank 0: +14/2; rank 0: +15/2",
            await listener.Next(6));
    }

    [Fact]
    public async Task Lets_several_publishers_connect_and_keeps_their_numbers_apart()
    {
        await using var one = await PythonPublisher.StartAsync();
        await using var two = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, new KvSubscriptionSettings
        {
            Endpoint = new KvEndpoint(new DnsEndPoint("127.0.0.1", 0), IsBoundHere: true),
            Topic = "kv@",
            Rank = 1,
        });
        var port = await listener.Bound;
        foreach (var (engine, topic) in new[] { (one, "kv@one"), (two, "kv@two") })
        {
            await engine.Do(new { @do = "connect", kind = "XPUB", port, topic });
            await engine.Do(new { @do = "wait" });
            await engine.Send(0, 10);
            await engine.Send(1, 11);
            Assert.Equal($"{topic} rank 1: +10/2; {topic} rank 1: +11/2", await listener.Next(2));
        }

        await one.Do(new { @do = "send", seq = 2, batch = PythonPublisher.Batch(12, rank: 1) });
        Assert.Equal("kv@one rank 1: +12/2", await listener.Next());
        await one.Do(new { @do = "send", seq = 0, batch = PythonPublisher.Batch(20, rank: 5) });
        Assert.Equal("kv@one rank 5: +20/2", await listener.Next());
        await two.Send(2, 12);
        Assert.Equal("kv@two rank 1: +12/2", await listener.Next());
        Assert.Equal((2, 0), (subscription.Counters.Connections, subscription.Counters.Forgets));
    }

    [Fact]
    public async Task Asks_a_publisher_that_connected_for_what_was_lost()
    {
        await using var engine = await PythonPublisher.StartAsync();
        var replay = (await engine.Do(new { @do = "bind", replay = 3 })).GetProperty("replay").GetInt32();
        var listener = new RecordingKvListener();
        await using var subscription = Subscribe(listener, new KvSubscriptionSettings
        {
            Endpoint = new KvEndpoint(new DnsEndPoint("127.0.0.1", 0), IsBoundHere: true),
            Replay = new DnsEndPoint("*", replay - 1),
            Rank = 1,
        });
        await engine.Do(new { @do = "connect", kind = "XPUB", port = await listener.Bound, replay = 0 });
        await engine.Do(new { @do = "wait" });
        await engine.Send(0, 10, lost: true);
        await engine.Send(1, 11);
        Assert.Equal("rank 1: +10/2; rank 1: +11/2", await listener.Next(2));
        await engine.Send(2, 12, lost: true);
        await engine.Send(3, 13);
        Assert.Equal("Gap 2-3; rank 1: +12/2; rank 1: +13/2; Recovered 2-3", await listener.Next(4));
    }

    [Theory]
    [InlineData("{'type':'BlockStored','block_hashes':[{'hex':'00000000000000000000000000000005'}]," +
        "'token_ids':[1,2,3],'parent_block_hash':null,'block_size':3,'lora_id':null,'medium':'GPU'}", "+5/3")]
    [InlineData("{'type':'BlockRemoved','block_hashes':[5,6],'medium':'CPU','session_id':'s'}", "-5,6")]
    [InlineData("['BlockRemoved',[-1],'EXTERNAL']", "-18446744073709551615")]
    public async Task Reads_maps_arrays_and_hashes_of_all_kinds(string e, string expected)
    {
        await using var engine = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        var ports = await engine.Do(new { @do = "bind", replay = 2 });
        await using var subscription = Subscribe(listener, Connected(ports));
        await engine.Do(new { @do = "wait" });
        var parsed = System.Text.Json.JsonDocument.Parse(e.Replace('\'', '"')).RootElement;
        await engine.Do(new { @do = "send", seq = 0, batch = new object[] { 1.5, new[] { parsed }, 3 } });
        Assert.Equal($"rank 3: {expected}", await listener.Next());
    }

    [Fact]
    public async Task Hears_the_load_that_sglang_pushes()
    {
        await using var engine = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        var ports = await engine.Do(new { @do = "bind", topic = "load" });
        await using var subscription = Subscribe(listener, Connected(ports, topic: "load"));
        await engine.Do(new { @do = "wait" });
        await engine.Do(new { @do = "send", seq = 3, batch = new object?[] { "LoadStat", 3, 1, 500, 1000, null } });
        Assert.Equal("load 3 1 500 1000 -1", await listener.Next());
    }

    [Fact]
    public async Task Cuts_off_a_publisher_of_nonsense_and_listens_to_it_again()
    {
        await using var engine = await PythonPublisher.StartAsync();
        var listener = new RecordingKvListener();
        var ports = await engine.Do(new { @do = "bind" });
        await using var subscription = Subscribe(listener, Connected(ports));
        await engine.Do(new { @do = "wait" });
        await engine.Send(0, 10);
        await engine.Do(new { @do = "frames", frames = new[] { "", "0000000000000001", "C1C1" } });
        Assert.Equal("rank 0: +10/2; forget rank 0 Refused; fault BadBatch None", await listener.Next(3));

        // The subscription that ended, then the next one.
        await engine.Do(new { @do = "wait" });
        await engine.Do(new { @do = "wait" });
        await engine.Do(new { @do = "frames", frames = new[] { "", "01", "90" } });
        Assert.Equal("fault NoBatch None", await listener.Next());
        await engine.Do(new { @do = "wait" });
        await engine.Do(new { @do = "wait" });
        await engine.Send(2, 12);
        Assert.Equal("from 2; rank 0: +12/2", await listener.Next(2));
        Assert.Equal(2, subscription.Counters.Faults);
    }

    private static KvSubscription Subscribe(RecordingKvListener listener, KvSubscriptionSettings settings)
    {
        var subscription = new KvSubscription(settings, listener, TimeProvider.System);
        subscription.Start();
        return subscription;
    }

    private static KvSubscriptionSettings Connected(System.Text.Json.JsonElement ports, string topic = "")
    {
        var replay = ports.GetProperty("replay").GetInt32();
        return new KvSubscriptionSettings
        {
            Endpoint = new KvEndpoint(
                new DnsEndPoint("127.0.0.1", ports.GetProperty("port").GetInt32()), IsBoundHere: false),
            Replay = replay == 0 ? null : new DnsEndPoint("*", replay),
            Topic = topic,
            RetryMin = TimeSpan.FromMilliseconds(10),
        };
    }
}
