using Penstock.Gateway.Cluster;
using Penstock.Gateway.Cluster.Membership;
using Penstock.Tests.Shared;

namespace Penstock.Gateway.Tests.Cluster.Membership;

/// <summary>What membership makes of a store that answers, fails or hangs.</summary>
public class MemberWatchTests
{
    [Fact]
    public async Task Members_last_known_stay_while_the_store_is_gone_and_are_given_up_after_the_grace()
    {
        var clock = new ManualClock();
        var store = new ScriptedStore();
        store.Members.Add(Named("nowhere", new Uri("http://127.0.0.1:9")));
        await using var b = await ClusterNode.StartAsync("b");
        store.Members.Add(Named("b", b.Address));
        await using var a = await ClusterNode.StartAsync("a", time: clock, store: store);
        a.Pool.LoadChanged(0, 7, 0, 0);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");
        Assert.Equal(["nowhere", "b"], a.Room.Members.Found.Select(m => m.Node));
        Assert.Equal(2, a.Room.Links.All.Length);

        store.Fails = true;
        await PassAsync(clock, () => a.Room.Watch!.Answers == false);
        Assert.Equal(2, a.Room.Links.All.Length);
        await PassAsync(clock, () => a.Room.Links.All.Length == 1);
        Assert.True(a.Room.Watch!.Silence >= MemberTimes.Grace);
        Assert.Equal("b", Assert.Single(a.Room.Members.Found).Node);

        store.Fails = false;
        await PassAsync(clock, () => a.Room.Links.All.Length == 2);
        Assert.True(a.Room.Watch.Answers);
    }

    [Fact]
    public async Task A_store_that_hangs_is_given_up_and_holds_nothing_up()
    {
        var clock = new ManualClock();
        var store = new ScriptedStore { Hangs = true };
        await using var b = await ClusterNode.StartAsync("b");
        await using var a = await ClusterNode.StartAsync("a", time: clock, store: store);
        a.Room.List([b.Address]);
        a.Pool.LoadChanged(0, 7, 0, 0);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");
        await PassAsync(clock, () => a.Room.Watch!.Answers == false);
        Assert.True(store.Cancelled > 0);
        store.Hangs = false;
        await PassAsync(clock, () => a.Room.Watch!.Answers == true);
        Assert.Equal(0, store.Overlapping);
    }

    [Fact]
    public async Task The_epoch_that_the_store_gives_is_the_one_that_peers_see()
    {
        var store = new ScriptedStore { Epoch = long.MaxValue / 2 };
        await using var b = await ClusterNode.StartAsync("b");
        store.Members.Add(Named("b", b.Address));
        await using var a = await ClusterNode.StartAsync("a", store: store);
        a.Pool.LoadChanged(0, 7, 0, 0);
        await b.Heard.WhenLoadsAsync("a: p/r0 7 0 0");
        Assert.Equal(long.MaxValue / 2, Assert.Single(b.Room.Views.All).Epoch);
        Assert.False(store.Entered[0]);
        await Until.TrueAsync(() => store.Entered.Count > 1);
        Assert.True(store.Entered[1]);
    }

    [Fact]
    public async Task A_gateway_that_stops_takes_itself_out()
    {
        var store = new ScriptedStore();
        var a = await ClusterNode.StartAsync("a", store: store);
        await Until.TrueAsync(() => a.Room.Watch!.Answers == true);
        await a.DisposeAsync();
        Assert.True(store.Left);
    }

    private static Member Named(string node, Uri address) =>
        new(node, address, 1, DateTimeOffset.UnixEpoch, TimeSpan.Zero);

    private static Task PassAsync(ManualClock clock, Func<bool> holds) => Until.TrueAsync(() =>
    {
        clock.Advance(TimeSpan.FromSeconds(2));
        return holds();
    });

    private sealed class ScriptedStore : IMemberStore
    {
        private int _inside;

        public List<Member> Members { get; } = [];

        public bool Fails { get; set; }

        public bool Hangs { get; set; }

        public long? Epoch { get; init; } = 5;

        public List<bool> Entered { get; } = [];

        public int Cancelled { get; private set; }

        public int Overlapping { get; private set; }

        public bool Left { get; private set; }

        public async Task<MemberRoll> BeatAsync(ClusterSelf self, bool entered, CancellationToken stop)
        {
            Overlapping += Interlocked.Increment(ref _inside) > 1 ? 1 : 0;
            try
            {
                if (Fails)
                {
                    throw new IOException("the cable is cut");
                }

                if (Hangs)
                {
                    await Task.Delay(Timeout.Infinite, stop);
                }

                Entered.Add(entered);
                return new MemberRoll(Epoch, [.. Members]);
            }
            catch (OperationCanceledException)
            {
                Cancelled++;
                throw;
            }
            finally
            {
                Interlocked.Decrement(ref _inside);
            }
        }

        public async Task<bool> WaitForNewsAsync(TimeSpan atMost, CancellationToken stop)
        {
            await Task.Delay(Fails || Hangs ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(20), stop);
            return false;
        }

        public Task LeaveAsync(ClusterSelf self, CancellationToken stop)
        {
            Left = true;
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
