using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Penstock.Core.Primitives;
using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Outgoing;
using Penstock.Gateway.Tests.Requests;
using Penstock.Tests.Shared;
using Penstock.Wire.Peers;

namespace Penstock.Gateway.Tests.Cluster;

/// <summary>Nodes that die, are slow, are strangers or mean harm: they cost knowledge and nothing else.</summary>
public class FaultTests
{
    private static readonly TimeSpan s_batch = PeerTimes.BatchEvery;

    [Fact]
    public async Task A_gateway_that_is_silent_counts_as_gone_and_is_believed_again_once_it_is_heard()
    {
        var (clockA, clockB) = (new ManualClock(), new ManualClock());
        await using var a = await ClusterNode.StartAsync("a", time: clockA);
        await using var b = await ClusterNode.StartAsync("b", time: clockB);
        a.Pool.LoadChanged(0, 7, 0, 0);
        a.Room.List([b.Address]);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");

        clockB.Advance(TimeSpan.FromSeconds(2.9));
        Assert.Equal(["a: p/r0 7 0 0"], b.Heard.Loads);
        Assert.InRange(b.Room.Views.OldestAge, TimeSpan.FromSeconds(2.8), TimeSpan.FromSeconds(3));
        clockB.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Empty(b.Heard.Loads);
        Assert.Equal(TimeSpan.Zero, b.Room.Views.OldestAge);

        clockA.Advance(PeerTimes.HeartbeatEvery);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");
        Assert.Equal(["a: gone"], b.Heard.Lines);
    }

    [Fact]
    public async Task A_stream_that_is_cut_is_opened_again_and_tells_everything()
    {
        await using var a = await ClusterNode.StartAsync("a");
        var b = await ClusterNode.StartAsync("b");
        a.Room.List([b.Address]);
        a.Pool.LoadChanged(0, 7, 0, 0);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");
        var port = b.Address.Port;
        await b.DisposeAsync();
        a.Pool.LoadChanged(1, 1, 2, 3);

        await using var again = await ClusterNode.StartAsync("b", port);
        await again.Heard.WhenLoadsAsync("a: p/r0 7 0 0", "a: p/r1 1 2 3");

        // What is told goes out before the answer's head, with the name in it, comes back.
        var link = Assert.Single(a.Room.Links.All);
        await Until.TrueAsync(() => link.Node == "b");
    }

    [Fact]
    public async Task What_happened_is_told_once_however_often_the_stream_is_cut_and_all_of_it_to_another_process()
    {
        await using var a = await ClusterNode.StartAsync("a");
        var b = await ClusterNode.StartAsync("b");
        a.Room.List([b.Address]);
        a.Pool.Routed(0, [1, 2]);
        a.Pool.CacheLost(0);
        await b.Heard.WhenSaidAsync("a: lost p/r0");
        using (var usurper = new RawPeer { Node = "a", Epoch = a.Room.Self.Epoch })
        {
            Assert.Equal(200, await usurper.OpenAsync(b, usurper.Greeting(0)));
            await usurper.EndedAsync();
        }

        a.Pool.Routed(0, [1, 2, 3]);
        await b.Heard.WhenSaidAsync("a: prefix p/r0 1,2,3");
        string[] all = ["a: prefix p/r0 1,2", "a: lost p/r0", "a: prefix p/r0 1,2,3"];
        Assert.Equal(all, b.Heard.Lines);

        var port = b.Address.Port;
        await b.DisposeAsync();
        await using var again = await ClusterNode.StartAsync("b", port);
        await again.Heard.WhenSaidAsync(all[^1]);
        Assert.Equal(all, again.Heard.Lines);
    }

    [Fact]
    public async Task A_gateway_with_another_secret_is_told_nothing_and_not_heard()
    {
        await using var a = await ClusterNode.StartAsync("a");
        await using var b = await ClusterNode.StartAsync("b", secret: ClusterNode.Secret + "-not");
        a.Pool.LoadChanged(0, 7, 0, 0);
        a.Room.List([b.Address]);
        var link = Assert.Single(a.Room.Links.All);
        await Until.TrueAsync(() => link.Problem is not null);
        Assert.Equal("it has another secret", link.Problem);
        Assert.Null(link.Node);
        Assert.True(b.Room.Counters.Refused > 0);
        Assert.Equal(0, b.Room.Counters.FramesIn);
        Assert.Empty(b.Room.Views.All);
    }

    [Theory]
    [InlineData("POST", PeerLink.Path, "0", "other", 426)]
    [InlineData("POST", PeerLink.Path, "3", "other", 426)]
    [InlineData("POST", PeerLink.Path, "2", "a", 421)]
    [InlineData("POST", PeerLink.Path, "2", "older", 409)]
    [InlineData("POST", "/v1/messages", "2", "other", 404)]
    [InlineData("GET", PeerLink.Path, "2", "other", 405)]
    public async Task Who_cannot_be_talked_to_is_told_why(
        string method, string path, string version, string node, int status)
    {
        await using var a = await ClusterNode.StartAsync("a");
        using var younger = new RawPeer { Node = "older", Epoch = 10 };
        Assert.Equal(200, await younger.OpenAsync(a, younger.Greeting(1)));
        await a.Heard.WhenLoadsAsync("older: p/r0 1 0 0");
        using var peer = new RawPeer
        {
            Node = node,
            Epoch = 9,
            Version = version,
            Path = path,
            Method = new HttpMethod(method),
        };
        Assert.Equal(status, await peer.OpenAsync(a, peer.Greeting(2)));
        Assert.Equal(["older: p/r0 1 0 0"], a.Heard.Loads);
    }

    [Fact]
    public async Task A_later_process_of_a_name_takes_the_place_of_the_earlier_one()
    {
        await using var a = await ClusterNode.StartAsync("a");
        using var before = new RawPeer { Node = "x", Epoch = 10 };
        using var after = new RawPeer { Node = "x", Epoch = 11 };
        Assert.Equal(200, await before.OpenAsync(a, before.Greeting(5)));
        await a.Heard.WhenLoadsAsync("x: p/r0 5 0 0");
        Assert.Equal(200, await after.OpenAsync(a, after.Greeting(1)));
        await a.Heard.WhenLoadsAsync("x: p/r0 1 0 0");
        await before.EndedAsync();
        Assert.Equal(["x: gone"], a.Heard.Lines);
    }

    [Theory]
    [InlineData("474554202F20485454502F312E310D0A")] // "GET / HTTP/1.1": another protocol altogether.
    [InlineData("01FFFFFF")] // A frame of 16 MiB.
    [InlineData("00000000")] // No greeting.
    [InlineData("01050000" + "02AC02016E")] // Somebody else's greeting.
    public async Task A_peer_that_sends_garbage_loses_its_stream_and_no_other_does(string hex)
    {
        await using var a = await ClusterNode.StartAsync("a");
        using var good = new RawPeer { Node = "good", Epoch = 1 };
        Assert.Equal(200, await good.OpenAsync(a, good.Greeting(5)));
        using var bad = new RawPeer { Node = "bad", Epoch = 1 };
        Assert.Equal(200, await bad.OpenAsync(a, Convert.FromHexString(hex)));
        await bad.EndedAsync();
        await Until.TrueAsync(() => a.Room.Counters.Broken == 1);
        await a.Heard.WhenLoadsAsync("good: p/r0 5 0 0");
    }

    [Fact]
    public async Task A_peer_that_names_replicas_without_end_loses_its_stream_and_no_other_does()
    {
        await using var a = await ClusterNode.StartAsync("a");
        using var good = new RawPeer { Node = "good", Epoch = 1 };
        Assert.Equal(200, await good.OpenAsync(a, good.Greeting(5)));
        using var bad = new RawPeer { Node = "bad", Epoch = 1 };
        var batch = new PeerBatch(2 * 1024 * 1024);
        batch.TryHello(1, "bad");
        batch.TryHeartbeat(1);
        for (var i = 0; i <= PeerFormat.ReplicasMax; i++)
        {
            Assert.True(batch.TryReplica(i, "p", $"r{i}") && batch.TryLoad(i, 1, 0, 0));
        }

        Assert.Equal(200, await bad.OpenAsync(a, batch.Bytes.ToArray()));
        await bad.EndedAsync();
        await Until.TrueAsync(() => a.Room.Counters.Broken == 1);
        await Until.TrueAsync(() => a.Heard.Loads.Contains("good: p/r0 5 0 0"));
        Assert.Equal(PeerFormat.ReplicasMax, a.Room.Views.All.Single(v => v.Node.Name == "bad").InFlight);
    }

    [Fact]
    public async Task A_gateway_that_is_killed_is_let_go_after_three_seconds_and_its_successor_is_taken_at_its_word()
    {
        var clock = new ManualClock();
        await using var a = await ClusterNode.StartAsync("a", time: clock);
        using (var killed = new RawPeer { Node = "x", Epoch = 1 })
        {
            Assert.Equal(200, await killed.OpenAsync(a, killed.Greeting(5)));
            await a.Heard.WhenLoadsAsync("x: p/r0 5 0 0");
        }

        clock.Advance(PeerTimes.SilentAfter - s_batch);
        Assert.Equal(["x: p/r0 5 0 0"], a.Heard.Loads);
        clock.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Empty(a.Heard.Loads);
        using var successor = new RawPeer { Node = "x", Epoch = 2 };
        Assert.Equal(200, await successor.OpenAsync(a, successor.Greeting(1)));
        await a.Heard.WhenLoadsAsync("x: p/r0 1 0 0");
        Assert.Equal(["x: gone"], a.Heard.Lines);
    }

    [Theory]
    [InlineData(0, 17)]
    [InlineData(17, 0)]
    public async Task Clocks_that_differ_by_minutes_make_no_view_older(double minutesOfA, double minutesOfB)
    {
        var (clockA, clockB) = (new ManualClock(), new ManualClock());
        clockA.Advance(TimeSpan.FromMinutes(minutesOfA));
        clockB.Advance(TimeSpan.FromMinutes(minutesOfB));
        await using var a = await ClusterNode.StartAsync("a", time: clockA);
        await using var b = await ClusterNode.StartAsync("b", time: clockB);
        a.Pool.LoadChanged(0, 7, 0, 0);
        a.Room.List([b.Address]);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");
        Assert.Equal(TimeSpan.Zero, b.Room.Views.OldestAge);
        clockB.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), b.Room.Views.OldestAge);
    }

    [Fact]
    public async Task A_frame_that_never_ends_is_cut_off_in_time()
    {
        var clock = new ManualClock();
        await using var a = await ClusterNode.StartAsync("a", time: clock);
        using var peer = new RawPeer { Node = "x", Epoch = 1 };
        Assert.Equal(200, await peer.OpenAsync(a, [.. peer.Greeting(5), 5, 0, 255, 0, 1, 2, 3]));
        await a.Heard.WhenLoadsAsync("x: p/r0 5 0 0");
        var ended = peer.EndedAsync();
        clock.Advance(PeerTimes.CloseAfter - s_batch);
        Assert.False(ended.IsCompleted);
        Assert.Empty(a.Heard.Loads);
        clock.Advance(TimeSpan.FromSeconds(1));
        await ended;
        await Until.TrueAsync(() =>
        {
            clock.Advance(PeerTimes.ForgetAfter);
            return a.Room.Views.All.IsEmpty;
        });
    }

    [Fact]
    public async Task Only_so_many_gateways_are_listened_to()
    {
        await using var a = await ClusterNode.StartAsync("a");
        var peers = Enumerable.Range(0, PeerNode.SeatsMax + 1)
            .Select(i => new RawPeer { Node = $"n{i}", Epoch = 1 }).ToList();
        foreach (var peer in peers)
        {
            Assert.Equal(peer == peers[^1] ? 503 : 200, await peer.OpenAsync(a, peer.Greeting(1)));
        }

        peers.ForEach(p => p.Dispose());
    }

    [Fact]
    public async Task A_peer_that_takes_no_bytes_is_given_up_and_holds_nobody_up()
    {
        var clock = new ManualClock();
        await using var a = await ClusterNode.StartAsync("a", time: clock);
        var streams = 0;
        await using var deaf = await DeafAsync(() => Interlocked.Increment(ref streams));
        a.Room.List([new Uri(deaf.Urls.First())]);
        await Until.TrueAsync(() => a.Room.Links.Up == 1);
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var rng = new Rng(1);
        var chain = new ulong[PeerFormat.BlocksMax];
        while (Volatile.Read(ref streams) < 2)
        {
            late.Token.ThrowIfCancellationRequested();
            foreach (ref var block in chain.AsSpan())
            {
                block = rng.NextUInt64();
            }

            a.Pool.Routed(0, chain);
            clock.Advance(s_batch);
            await Task.Yield();
        }

        Assert.InRange(a.Room.Counters.BytesOut, 1, 4 * 1024 * 1024);
        await Until.TrueAsync(() =>
        {
            clock.Advance(s_batch);
            return a.Room.Counters.Dropped > 0;
        });
    }

    [Fact]
    public async Task A_gateway_that_is_reached_in_two_ways_is_told_once()
    {
        await using var a = await ClusterNode.StartAsync("a");
        await using var b = await ClusterNode.StartAsync("b");
        a.Pool.LoadChanged(0, 7, 0, 0);
        a.Room.List([b.Address, new Uri($"http://localhost:{b.Address.Port}")]);
        await Until.TrueAsync(() => a.Room.Links.All is [var one, var two]
            && ((one.State, two.State) is (LinkState.Up, LinkState.Needless) or (LinkState.Needless, LinkState.Up)));
        Assert.Equal(1, a.Room.Members.Count);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");
    }

    [Fact]
    public async Task A_gateway_that_is_in_its_own_list_does_not_talk_to_itself()
    {
        await using var a = await ClusterNode.StartAsync("a");
        a.Room.List([a.Address, new Uri($"http://localhost:{a.Address.Port}")]);
        var link = Assert.Single(a.Room.Links.All);
        await Until.TrueAsync(() => link.State == LinkState.Needless);
        Assert.Equal(0, a.Room.Members.Count);
        Assert.Null(link.Problem);
        Assert.Equal(0, a.Room.Counters.Refused);
    }

    [Fact]
    public async Task Two_gateways_of_one_name_say_so()
    {
        await using var a = await ClusterNode.StartAsync("a", time: new ManualClock());
        await using var other = await ClusterNode.StartAsync("a");
        a.Room.List([other.Address]);
        await Until.TrueAsync(() => a.Room.Links.All[0].Problem is not null);
        Assert.Equal("it has the name of this gateway", a.Room.Links.All[0].Problem);
    }

    /// <summary>Such as one that lets streams in and stops at once, over and over.</summary>
    [Fact]
    public async Task A_peer_that_ends_every_stream_is_tried_ever_more_rarely_and_is_no_news_until_a_stream_stays()
    {
        var clock = new ManualClock();
        var log = new FaultLog();
        await using var a = await ClusterNode.StartAsync("a", time: clock, log: log);
        var (streams, stay) = (0, new TaskCompletionSource());
        await using var peer = await DeafAsync(() => Interlocked.Increment(ref streams), EndsAsync);
        a.Room.List([new Uri(peer.Urls.First())]);
        await PassTimeUntilAsync(() => Volatile.Read(ref streams) >= 7);

        // Half of each pause at least: 0.1, 0.2, 0.4, 0.8, 1.6, 3.2 s.
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(3.15), TimeSpan.MaxValue);
        Assert.Equal((1, 1), Said());

        stay.SetResult();
        await PassTimeUntilAsync(() => a.Room.Links.Up == 1 && Said() == (2, 1));
        Assert.Equal("deaf", Assert.Single(a.Room.Links.All).Node);

        async Task<bool> EndsAsync()
        {
            await Until.TrueAsync(() => a.Room.Links.Up == 1);
            return !stay.Task.IsCompleted;
        }

        (int Up, int Down) Said() => (
            log.News.Count(n => n.Contains("is told what this one has", StringComparison.Ordinal)),
            log.News.Count(n => n.Contains("cannot be told what this one has", StringComparison.Ordinal)));

        Task PassTimeUntilAsync(Func<bool> holds) => Until.TrueAsync(() =>
        {
            clock.Advance(s_batch);
            return holds();
        });
    }

    /// <summary>A server that answers as a gateway does and reads nothing.</summary>
    private static async Task<WebApplication> DeafAsync(Action opened, Func<Task<bool>>? ends = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel =>
        {
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        app.Run(async http =>
        {
            http.Response.Headers[PeerProof.NodeHeader] = "deaf";
            await http.Response.StartAsync();
            await http.Response.BodyWriter.FlushAsync();
            opened();
            if (ends is not null && await ends())
            {
                return;
            }

            var gone = new TaskCompletionSource();
            await using var registered = http.RequestAborted.Register(gone.SetResult);
            await gone.Task;
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
