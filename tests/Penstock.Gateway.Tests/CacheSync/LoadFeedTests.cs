using System.Buffers;
using System.Net.Sockets;
using Penstock.Gateway.CacheSync;
using Penstock.Gateway.Tests.Cluster;
using Penstock.Gateway.Tests.Engines;
using Penstock.Gateway.Tests.Engines.KvEvents;
using Penstock.Wire.KvEvents;

namespace Penstock.Gateway.Tests.CacheSync;

/// <summary>A publisher of load beside one of cache events: nobody is to look for a fault at the wrong port.</summary>
public sealed class LoadFeedTests
{
    [Fact]
    public async Task Whatever_a_publisher_of_load_does_says_nothing_of_the_cache()
    {
        var loads = 0;
        await using var events = HostilePublisher.After(FeedRig.Message(0, FeedRig.Batch(1)));

        // A block of its own, and then what breaks the rules.
        await using var load = new HostilePublisher(async (socket, stop) =>
        {
            Interlocked.Increment(ref loads);
            var bytes = HostilePublisher.Greeted([.. FeedRig.Message(0, FeedRig.Batch(2)), 0x08]);
            await socket.SendAsync(bytes, SocketFlags.None, stop);
        });
        await using var rig = new FeedRig();
        rig.Identify(events, load);
        await FeedRig.WhenAsync(() => rig.Status.Batches == 1);
        await rig.Clock.WhenTimerIsDueWithinAsync(TimeSpan.FromMilliseconds(250), Wires.Guard);
        await rig.RetryAsync();
        await FeedRig.WhenAsync(() => Volatile.Read(ref loads) == 2);
        Assert.Equal((FeedState.Live, 2L), (rig.Status.State, rig.Status.ResidentTokens));
        Assert.Empty(rig.Lines);
    }

    [Fact]
    public async Task An_engine_that_serves_more_at_a_time_now_has_so_many_slots()
    {
        var again = new TaskCompletionSource();
        await using var publisher = new HostilePublisher(async (socket, stop) =>
        {
            await socket.SendAsync(HostilePublisher.Greeted(Load()), SocketFlags.None, stop);
            await again.Task.WaitAsync(stop);
            await socket.SendAsync(Load(), SocketFlags.None, stop);
        });
        await using var rig = new FeedRig();
        var pool = rig.Sit();
        rig.Identify(null, publisher, slots: 4);
        await ReportedAsync(4);
        rig.Identify(null, publisher, slots: 8);
        again.SetResult();
        await ReportedAsync(8);

        // Little at a time, so that no real answer is late by it.
        Task ReportedAsync(int slots) => Until.TrueAsync(() =>
        {
            rig.Clock.Advance(TimeSpan.FromMilliseconds(5));
            return pool.Look()[0].Load.Reported.Slots == slots;
        });
    }

    private static byte[] Load()
    {
        var load = new ArrayBufferWriter<byte>();
        new KvLoad(3, 1, 500, 1_000, 0).Write(load);
        var message = new ArrayBufferWriter<byte>();
        KvMessage.Write(message, KvLoad.Topic, 0, load.WrittenSpan);
        return message.WrittenSpan.ToArray();
    }
}
